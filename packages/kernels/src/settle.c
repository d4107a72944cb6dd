// Faults travel with the data: each tensor's storage has a cell that says what is wrong with it, if anything.
#include "kernels.h"

// kind 0: nothing. Otherwise the kind of the kernel's fault, its row and column, and the value found there.
typedef struct {
  uint32_t kind, row, column, value, limit;
} fault_cell;

typedef struct {
  uint32_t kind;          // of this command's own fault
  uint32_t columns;       // of what its position counts in: row = position / columns
  uint32_t limit;         // for the message
  const uint32_t *values; // the values at those positions, or 0
  uint32_t outputs, inputs;
  fault_cell *cells[10]; // of the outputs, then of the inputs
} fault_record;

// Ends a command: its outputs have the fault of the first input that has one, else the command's own at `position`, else
// none.
EXPORT(settle)
void settle(const fault_record *record, uint32_t position) {
  fault_cell cell = {0};
  for (uint32_t i = 0; i < record->inputs && cell.kind == 0; i++) cell = *record->cells[record->outputs + i];
  if (cell.kind == 0 && position != NO_FAULT) {
    cell.kind = record->kind;
    cell.row = position / record->columns;
    cell.column = position % record->columns;
    cell.value = record->values ? record->values[position] : 0;
    cell.limit = record->limit;
  }
  for (uint32_t i = 0; i < record->outputs; i++) *record->cells[i] = cell;
}

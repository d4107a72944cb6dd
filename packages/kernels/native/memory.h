// Address space for tensors: reserved once, so that nothing ever moves, and backed by memory as it is touched.
#pragma once

#include <stddef.h>

char *memory_reserve(size_t bytes);             // NULL if the system refuses
int memory_commit(char *base, size_t bytes);    // makes the first `bytes` usable; 0 if the system refuses
void memory_release(char *base, size_t bytes);

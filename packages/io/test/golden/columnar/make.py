"""Makes the golden files beside it with pyarrow itself: `python make.py`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

here = Path(__file__).parent

ROWS, COLS = 6, 4
values = [[i + j / 4 - 2 for j in range(COLS)] for i in range(ROWS)]
ids = [f"item-{i}" for i in range(ROWS)]
kinds = ["tool", "part", "tool", "tool", "part", "tool"]


def lists(element=pa.float32(), fixed=True, rows=values):
    return pa.array(rows, pa.list_(element, COLS) if fixed else pa.list_(element))


def table(vectors, **others):
    return pa.table({"id": ids, "embedding": vectors, **others})


whole = table(
    lists(),
    kind=pa.array(kinds).dictionary_encode(),
    price=pa.array([1, None, 3, 4, 5, 2**60], pa.int64()),
    sold=[True, False, True, None, True, False],
    day=pa.array([0] * ROWS, pa.date32()),
)


def parquet(name, data, **options):
    pq.write_table(data, here / f"{name}.parquet", **{"compression": "none", "store_schema": False, **options})


for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
    parquet(codec, whole, compression=codec, store_schema=codec == "snappy")
parquet("v2", whole, compression="zstd", data_page_version="2.0", row_group_size=4)
parquet("groups", whole, row_group_size=4)
parquet("pages", whole, data_page_size=1, write_batch_size=1, use_dictionary=False)
parquet("plain", whole, use_dictionary=False)
parquet("split", table(lists()), use_dictionary=False, use_byte_stream_split=["embedding.list.element"])
parquet(
    "delta",
    table(lists(pa.int64(), rows=[[-2, 0, 2**31, j] for j in range(ROWS)]), price=pa.array(range(ROWS), pa.int32())),
    use_dictionary=False,
    column_encoding={
        "id": "DELTA_BYTE_ARRAY",
        "embedding.list.element": "DELTA_BINARY_PACKED",
        "price": "DELTA_BINARY_PACKED",
    },
)
parquet("delta-length", table(lists()), use_dictionary=False, column_encoding={"id": "DELTA_LENGTH_BYTE_ARRAY"})
for element in [pa.float16(), pa.float64(), pa.int8(), pa.uint8(), pa.int32(), pa.uint64()]:
    rows = [[int(i + j) for j in range(COLS)] for i in range(ROWS)]
    parquet(f"list-{element}", table(lists(element, fixed=False, rows=rows)))
parquet("columns", pa.table({"id": ids, **{f"x{j}": [row[j] for row in values] for j in range(COLS)}}))
parquet("two", pa.table({"title": lists(), "image": lists(pa.float64()), "id": ids}))
parquet("struct", pa.table({"item": pa.array([{"id": i, "v": v} for i, v in zip(ids, values)])}))

# Files that a reader must refuse.
parquet("null-row", table(lists(rows=[*values[:3], None, *values[4:]])))
parquet("null-value", table(lists(rows=[*values[:3], [1, None, 2, 3], *values[4:]])))
parquet("ragged", table(lists(fixed=False, rows=[*values[:3], [1, 2, 3], *values[4:]])))
parquet("empty-list", table(lists(fixed=False, rows=[*values[:3], [], *values[4:]])))
parquet("nan", table(lists(rows=[*values[:3], [1, float("nan"), 2, 3], *values[4:]])))
parquet("empty", whole.slice(0, 0))
parquet("texts", pa.table({"id": ids, "kind": kinds}))


def arrow(name, data, batch=None, stream=False, **options):
    options = ipc.IpcWriteOptions(**options)
    opener = ipc.new_stream if stream else ipc.new_file
    with opener(here / f"{name}.arrow", data.schema, options=options) as writer:
        writer.write_table(data, max_chunksize=batch)


arrow("file", whole)
arrow("batches", whole, batch=4)
arrow("stream", whole, batch=4, stream=True)
arrow("lz4", whole, compression="lz4")
arrow("zstd", whole, batch=4, compression="zstd")
feather.write_feather(whole, here / "feather.feather", compression="lz4")
arrow("lists", table(lists(fixed=False)), batch=4)
arrow("large", table(lists(), note=pa.array(ids, pa.large_string())).slice(0, ROWS))
arrow("sliced", table(lists(fixed=False)).slice(1, 4))
arrow("view", pa.table({"id": pa.array([i * 3 for i in ids], pa.string_view()), "embedding": lists()}))
arrow("half", table(lists(pa.float16())))
arrow("columns", pa.table({"id": ids, **{f"x{j}": [row[j] for row in values] for j in range(COLS)}}))
arrow("two", pa.table({"title": lists(), "image": lists(pa.float64()), "id": ids}))
arrow("null-row", table(lists(rows=[*values[:3], None, *values[4:]])), batch=2)
arrow("null-value", table(lists(rows=[*values[:3], [1, None, 2, 3], *values[4:]])), batch=2)
arrow("ragged", table(lists(fixed=False, rows=[*values[:3], [1, 2, 3], *values[4:]])), batch=2)
arrow("nan", table(lists(rows=[*values[:3], [1, float("nan"), 2, 3], *values[4:]])), batch=2)
arrow("empty", whole.slice(0, 0))

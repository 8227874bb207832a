#!/usr/bin/env python3
"""Prints the golden bytes of tests/base/test_event_file.cpp, one record per line in hexadecimal.

The messages are TensorBoard's own protocol buffers, serialised by Google's library; the frames come from TensorBoard's
RecordWriter.

    pip install tensorboard && python3 tools/generate/event_goldens.py
"""
import io

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

WALL_TIME = 1700000000.25


def scalar(step, tag, value):
    return event_pb2.Event(wall_time=WALL_TIME, step=step, summary=summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)]))


EVENTS = [
    event_pb2.Event(wall_time=WALL_TIME, file_version="brain.Event:2"),
    event_pb2.Event(wall_time=WALL_TIME, step=1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    scalar(1, "train/loss", 10.8125),
    scalar(0, "train/loss", 0.0),
    scalar(300, "val/bits_per_byte", -1.1),
    scalar(1 << 40, "Verlust/\u00fc", float("inf")),
    scalar(-1, "x" * 200, float("nan")),
    event_pb2.Event(wall_time=0.0, step=301, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
]

for event in EVENTS:
    record = io.BytesIO()
    RecordWriter(record).write(event.SerializeToString())
    print(record.getvalue().hex())

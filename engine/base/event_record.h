#pragma once
// The bytes of TensorBoard's event files: TFRecords of Event messages, encoded by hand. Everything here is a pure
// function.
//
// A record frames `length` bytes of data; all numbers are little-endian:
//
//   uint64 length | uint32 masked(crc of the 8 bytes before) | data | uint32 masked(crc of data)
//   masked(c) = ((c >> 15) | (c << 17)) + 0xa282ead8, the CRC being CRC-32C
//
// The data is an Event of Protocol Buffers (fields with their numbers; what is 0 or empty is not written):
//
//   Event       1 double wall_time (seconds since 1970)   2 int64 step   3 string file_version | 5 Summary summary |
//               7 SessionLog session_log
//   Summary     1 Value value        Value    1 string tag, 2 float simple_value
//   SessionLog  1 enum status: START is 1
//
// TensorBoard turns a simple_value into the scalar of its tag, as it does with the tensors of TensorFlow 2's writers;
// both are 32-bit floats.
//
// Sources: tensorflow/core/lib/io/record_writer.h and core/lib/hash/crc32c.h (framing, mask), tensorboard/compat/proto/
// event.proto and summary.proto (messages), tensorboard/dataclass_compat.py (simple_value); Protocol Buffers'
// "Encoding" page; RFC 3720, appendix B.4 (CRC-32C).
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// One record around `data`.
std::string event_record(std::string_view data);

// Events, without their frame. wall_time: seconds since 1970.
std::string version_event(double wall_time);              // "brain.Event:2": the first of every file
std::string start_event(double wall_time, int64_t step);  // discards earlier scalars of this step and later ones
// tag: UTF-8, as in "train/loss". A value beyond the range of floats becomes infinite; NaN stays NaN.
std::string scalar_event(double wall_time, int64_t step, std::string_view tag, double value);

}  // namespace gradus

#pragma once
// A run's curves for TensorBoard: scalars by tag and step, in the run's folder.
//
//   EventFile events(folder, last_step);                  events.out.tfevents.SECONDS.HOST.PID
//   events.scalar("train/loss", 3.21, step);
//   events.flush();
//
// Every start of a run writes a file of its own; TensorBoard reads those of a folder one after the other, in the order of
// their names, and never goes back. So SECONDS (ten digits, since 1970) is larger than in any name that is there, even
// where a clock was set back or a run starts twice in a second.
//
// A resumed run does steps again that an earlier file holds already. Each file therefore opens with a SessionLog START event
// of step last_step + 1: TensorBoard's Python reader then drops what it has read of that step and of later ones, under every
// tag. Its data server needs no such event: it drops them tag by tag, when the tag's next scalar comes. A step shows once in
// either.
//
// Writing never costs a run and never throws (engine/base/append_file.h).
//
// Sources: engine/base/event_record.h (the bytes); of TensorBoard backend/event_processing/plugin_event_accumulator.py and
// data/server/reservoir.rs (what is dropped after a restart), directory_watcher.py beside the first (order of the files).
#include <cstdint>
#include <string>

#include "engine/base/append_file.h"

namespace gradus {

class EventFile {
public:
    // last_step: the last step that stands, 0 for a run that begins; the first scalar is of the step after it.
    EventFile(const fs::path& folder, int64_t last_step);
    ~EventFile();  // flushes
    EventFile(const EventFile&) = delete;
    EventFile& operator=(const EventFile&) = delete;

    void scalar(const std::string& tag, double value, int64_t step);  // tag: UTF-8
    void flush();  // hands what there is to the system, so that TensorBoard sees it and a killed process loses none
    void sync();   // flush, and then to the disk

    const fs::path& path() const { return path_; }

private:
    void open(const fs::path& folder);
    void add(const std::string& event);

    fs::path path_;
    AppendFile file_;
    size_t opening_ = 0;  // bytes of the records that every file begins with
    std::string buffer_;
};

}  // namespace gradus

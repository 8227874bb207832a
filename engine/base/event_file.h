#pragma once
// Event files for TensorBoard: scalars by tag and step, in the run's folder.
//
//   EventFile events(folder, last_step);                  events.out.tfevents.SECONDS.HOST.PID
//   events.scalar("train/loss", 3.21, step);
//   events.flush();
//
// Each start of a run writes a new file. TensorBoard reads the files of a folder in the order of their names and never
// goes back to an earlier one. So SECONDS (ten digits, since 1970) is larger than in every existing name, even when the
// clock was set back or a run starts twice in a second.
//
// A resumed run may repeat steps that an earlier file has already. Each file therefore begins with a SessionLog START
// event of step last_step + 1: TensorBoard's Python reader then discards that step and later ones for all tags. Its
// data server needs no such event: it discards them tag by tag, at the tag's next scalar. Both show each step once.
//
// Writing never throws and never ends a run (engine/base/append_file.h).
//
// Sources: engine/base/event_record.h (the bytes); of TensorBoard backend/event_processing/plugin_event_accumulator.py
// and data/server/reservoir.rs (what is dropped after a restart), directory_watcher.py in the same folder as the first
// (order of the files).
#include <cstdint>
#include <string>

#include "engine/base/append_file.h"

namespace gradus {

class EventFile {
public:
    // last_step: the last step that stays valid, 0 for a new run; the first scalar is of the step after it.
    EventFile(const fs::path& folder, int64_t last_step);
    ~EventFile();  // flushes
    EventFile(const EventFile&) = delete;
    EventFile& operator=(const EventFile&) = delete;

    void scalar(const std::string& tag, double value, int64_t step);  // tag: UTF-8
    void flush();  // writes the buffer to the file, so that TensorBoard sees it and a killed process loses nothing
    void sync();   // flush, and then to the disk

    const fs::path& path() const { return path_; }

private:
    void open(const fs::path& folder);
    void add(const std::string& event);

    fs::path path_;
    AppendFile file_;
    size_t opening_ = 0;  // bytes of the first records, which every file has
    std::string buffer_;
};

}  // namespace gradus

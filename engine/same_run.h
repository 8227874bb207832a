#pragma once
// What a resumed run must share with the run that it continues.
#include <cstdint>
#include <string>

#include "engine/resolve.h"

namespace gradus {

// One `key = value` a line, of every setting that is OnResume::fixed, and of the data. `settings` are complete (resolve()).
std::string identity_of(const Config& settings, const DataFacts&);

// The identity of a run that began when data were told apart by fewer bytes (DataFacts::former), with what tells them apart
// now; any other stays as it is.
std::string with_all_bytes(const std::string& begun, const DataFacts&);

// Error that lists all settings that were written and differ from those in the identity of the run that began, and says
// whether the data do: old value, new value, and where the new one was written. A setting that only follows from a
// changed one is not named. Looks at the settings before resolve() has filled them in, so that a size that the weights
// already have is refused by the name of the setting.
void require_same_settings(const std::string& begun, const Config& written, const DataFacts&);

// The same for complete settings. `steps_done`: a run of the schedule wsd may be made longer or shorter until its
// cool-down has begun.
void require_same_run(const std::string& begun, const Resolved& now, int64_t steps_done);

}  // namespace gradus

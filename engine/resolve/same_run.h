#pragma once
// What a resumed run must have in common with the run that it continues.
#include <cstdint>
#include <string>

#include "engine/resolve.h"

namespace gradus {

// One line `key = value` for every setting that is OnResume::fixed, and one for the data. `settings` must be complete
// (resolve()).
std::string identity_of(const Config& settings, const DataFacts&);

// Older runs identify their data by fewer bytes (DataFacts::former): returns such an identity in today's form, and any
// other unchanged.
std::string with_all_bytes(const std::string& begun, const DataFacts&);

// Error where settings or data differ from the identity of the run that began: lists every difference with old value,
// new value and the place of the new one. A setting that only follows from a changed one is not listed. Takes the
// settings before resolve() has completed them, so that a size is refused by the name of its setting.
void require_same_settings(const std::string& begun, const Config& written, const DataFacts&);

// The same for complete settings. A run with the schedule wsd may get another number of steps until its cool-down has
// begun, hence `steps_done`.
void require_same_run(const std::string& begun, const Resolved& now, int64_t steps_done);

}  // namespace gradus

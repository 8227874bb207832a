#pragma once
// Checks that a resumed run has the settings and the data that it began with.
#include <cstdint>
#include <string>

#include "engine/resolve.h"

namespace gradus {

// One line `key = value` for each OnResume::fixed setting, and one for the data. `settings` must be complete
// (resolve()).
std::string identity_of(const Config& settings, const DataFacts&);

// Older runs identify their data by a hash of fewer bytes (DataFacts::former): converts such an identity to the current
// form, and returns any other unchanged.
std::string with_all_bytes(const std::string& begun, const DataFacts&);

// Error if settings or data differ from the identity of the original run: lists every difference with the old value,
// the new value and its location, but no setting that only follows from a changed one. Takes the settings before
// resolve() has completed them, so that the error names the setting that was written.
void require_same_settings(const std::string& begun, const Config& written, const DataFacts&);

// The same for complete settings. `steps_done`: a run with the schedule wsd may change its number of steps until its
// cool-down has begun.
void require_same_run(const std::string& begun, const Resolved& now, int64_t steps_done);

}  // namespace gradus

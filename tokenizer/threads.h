#pragma once
// Runs work on several threads and always joins them.
#include <functional>

namespace gradus {

// Runs work(0), …, work(threads − 1) in parallel, work(0) in this thread, and returns when all have ended. If the
// system allows fewer threads, the last ones never start; work that is taken from a shared source is completed all the
// same. An exception is rethrown at the end, that of the lowest thread first; `work` itself must stop the others early.
void run_in_threads(int threads, const std::function<void(int thread)>& work);

}  // namespace gradus

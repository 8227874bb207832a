#pragma once
// Work shared by threads, without a way to lose one.
#include <functional>

namespace gradus {

// Runs work(0), …, work(threads − 1) at once, work(0) in this thread, and comes back when all have ended. Where the
// system gives fewer threads the last of them never start: work that is taken from one source is done all the same.
// An exception of any of them is thrown on at the end, that of the lowest number first; to stop the others early is up
// to the work.
void run_in_threads(int threads, const std::function<void(int thread)>& work);

}  // namespace gradus

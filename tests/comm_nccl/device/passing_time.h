#pragma once
// Lets the emulated device work while the host does something else, as a GPU does: without it work is executed only
// when this process synchronises, and two ranks could wait for each other, one for the device and one for the other's
// host.
#include <atomic>
#include <thread>

namespace gradus {

class PassingTime {
public:
    PassingTime() : thread_([this] { run(); }) {}
    ~PassingTime() {
        over_ = true;
        thread_.join();
    }
    PassingTime(const PassingTime&) = delete;
    PassingTime& operator=(const PassingTime&) = delete;

private:
    void run();

    std::atomic<bool> over_ = false;
    std::thread thread_;
};

}  // namespace gradus

#pragma once
// Heartbeats: a thread that reports to every other rank what this one does, and receives their reports.
//
// The silence of a rank is counted in ticks of this thread. A tick that took longer counts as two at most, so the time
// in which this process, or the whole job, was stopped does not count.
#include <mpi.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/comm_mpi/messages.h"

namespace gradus::mpi {

class Heartbeat {
public:
    // `library` is locked around every MPI call. The interval between heartbeats is silence / 12 seconds, at most 5 s.
    Heartbeat(int rank, int size, double silence, std::mutex& library);
    ~Heartbeat() { stop(); }

    void stop();
    // Receives the last heartbeats; called after all ranks have stopped.
    void drain();

    void enter(const Header&);
    void wait_for(int rank);  // -1: nobody
    void leave();
    void received(int rank, const Header&);                      // a header was received from this rank
    void set_device_progress(int group, const DeviceProgress&);  // of this rank's device, for the next heartbeats

    double silence_of(int rank) const;  // seconds
    Beat last_of(int rank) const;
    // Counts the reports of progress with files from other ranks.
    int64_t advances() const;

private:
    void run();
    void send_beats();
    void receive_beats();

    const int rank_, size_;
    const double tick_;
    std::mutex& library_;

    mutable std::mutex state_;  // guards the members from here to advances_
    std::condition_variable wake_;
    bool stopping_ = false;
    Beat mine_;
    std::vector<Beat> last_;
    std::vector<double> silence_;
    int64_t advances_ = 0;

    std::vector<Beat> sent_;  // of the thread alone
    std::vector<MPI_Request> sends_;
    std::thread thread_;
};

}  // namespace gradus::mpi

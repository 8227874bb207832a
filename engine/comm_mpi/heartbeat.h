#pragma once
// Heartbeats: a thread that tells every other rank what this one does, and receives what they tell.
//
// The silence of a rank is counted in ticks of this thread. A tick that took longer counts as two at most, so the time in which
// this process, or the whole job, was stopped does not count.
#include <mpi.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/comm_mpi/messages.h"

namespace gradus::mpi {

class Heartbeat {
public:
    // `library` is locked around every use of MPI. Heartbeats are sent silence / 12 seconds apart, but at least every 5 s.
    Heartbeat(int rank, int size, double silence, std::mutex& library);
    ~Heartbeat() { stop(); }

    void stop();
    // Receives what the others sent before they stopped; called after all have.
    void drain();

    void enter(const Header&);
    void wait_for(int rank);  // -1: nobody
    void leave();
    void saw(int rank, const Header&);            // a header came from this rank
    void tell(int group, const DeviceProgress&);  // of this rank's device, with the next beats

    double silence_of(int rank) const;  // seconds
    Beat last_of(int rank) const;
    // Grows whenever another rank reports progress with its files.
    int64_t advances() const;

private:
    void run();
    void send_beats();
    void take_beats();

    const int rank_, size_;
    const double tick_;
    std::mutex& library_;

    mutable std::mutex state_;  // guards what follows, down to advances_
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

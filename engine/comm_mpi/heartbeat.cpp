#include "engine/comm_mpi/heartbeat.h"

#include <algorithm>
#include <chrono>

#include "engine/base/progress.h"

namespace gradus::mpi {

Heartbeat::Heartbeat(int rank, int size, double silence, std::mutex& library)
    : rank_(rank),
      size_(size),
      tick_(std::min(5.0, silence / 12)),
      library_(library),
      last_(size_t(size)),
      silence_(size_t(size), 0.0),
      sent_(size_t(size)),
      sends_(size_t(size), MPI_REQUEST_NULL),
      thread_([this] { run(); }) {}

void Heartbeat::stop() {
    {
        std::lock_guard lock(state_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Heartbeat::run() {
    using Clock = std::chrono::steady_clock;
    Clock::time_point before = Clock::now();
    for (;;) {
        send_beats();
        receive_beats();
        std::unique_lock lock(state_);
        if (wake_.wait_for(lock, std::chrono::duration<double>(tick_), [this] { return stopping_; })) return;
        const Clock::time_point now = Clock::now();
        const double passed = std::min(2 * tick_, std::chrono::duration<double>(now - before).count());
        for (double& s : silence_) s += passed;
        before = now;
    }
}

void Heartbeat::send_beats() {
    Beat beat;
    {
        std::lock_guard lock(state_);
        beat = mine_;
    }
    beat.progress = progress_so_far();
    for (int r = 0; r < size_; ++r) {
        if (r == rank_) continue;
        std::lock_guard lock(library_);
        int done = 0;
        MPI_Test(&sends_[size_t(r)], &done, MPI_STATUS_IGNORE);
        if (!done) continue;  // the rank has not received the last one yet
        sent_[size_t(r)] = beat;
        MPI_Isend(&sent_[size_t(r)], int(sizeof(Beat)), MPI_BYTE, r, tag_beat, MPI_COMM_WORLD, &sends_[size_t(r)]);
    }
}

void Heartbeat::receive_beats() {
    for (;;) {
        Beat beat;
        MPI_Status status;
        {
            std::lock_guard lock(library_);
            int there = 0;
            MPI_Iprobe(MPI_ANY_SOURCE, tag_beat, MPI_COMM_WORLD, &there, &status);
            if (!there) return;
            MPI_Recv(&beat, int(sizeof beat), MPI_BYTE, status.MPI_SOURCE, tag_beat, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        std::lock_guard lock(state_);
        silence_[size_t(status.MPI_SOURCE)] = 0;
        Beat& known = last_[size_t(status.MPI_SOURCE)];
        if (beat.progress != known.progress) ++advances_;
        known.progress = beat.progress;
        if (beat.last.calls < known.last.calls) known.device = beat.device;  // a newer header overtook this heartbeat
        else known = beat;
    }
}

void Heartbeat::received(int rank, const Header& header) {
    std::lock_guard lock(state_);
    silence_[size_t(rank)] = 0;
    Beat& known = last_[size_t(rank)];
    if (header.calls < known.last.calls) return;
    known.last = header;
    known.inside = 1;
    known.waits_for = -1;
}

void Heartbeat::set_device_progress(int group, const DeviceProgress& progress) {
    std::lock_guard lock(state_);
    mine_.device[size_t(group)] = progress;
}

void Heartbeat::drain() {
    receive_beats();
    std::lock_guard lock(library_);
    MPI_Waitall(size_, sends_.data(), MPI_STATUSES_IGNORE);
}

void Heartbeat::enter(const Header& header) {
    std::lock_guard lock(state_);
    mine_.last = header;
    mine_.inside = 1;
    mine_.waits_for = -1;
}

void Heartbeat::wait_for(int rank) {
    std::lock_guard lock(state_);
    mine_.waits_for = rank;
}

void Heartbeat::leave() {
    std::lock_guard lock(state_);
    mine_.inside = 0;
    mine_.waits_for = -1;
}

double Heartbeat::silence_of(int rank) const {
    std::lock_guard lock(state_);
    return silence_[size_t(rank)];
}

Beat Heartbeat::last_of(int rank) const {
    std::lock_guard lock(state_);
    return last_[size_t(rank)];
}

int64_t Heartbeat::advances() const {
    std::lock_guard lock(state_);
    return advances_;
}

}  // namespace gradus::mpi

#include "engine/comm_mpi/local_ranks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include <fmt/format.h>

#include "engine/base/signals.h"
#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

namespace {

constexpr int most_watched = 1000;  // ranks of a host
// A rank that is killed together with the lost one ends within this time, so only a surviving rank reports the loss.
constexpr auto report_delay = std::chrono::milliseconds(100);
// Launchers give ranks a second or more between the request to stop and SIGKILL.
constexpr double launcher_grace = 0.7;

struct Identity {
    int64_t rank, process, name_space;  // processes of the same PID namespace see each other
};

int64_t process_name_space() {
    struct stat s {};
    return ::stat("/proc/self/ns/pid", &s) == 0 ? int64_t(s.st_ino) : -1;
}

bool has_ended(int handle) {
    pollfd p = {handle, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

}  // namespace

struct LocalRanks::Page {
    std::array<std::atomic<int32_t>, most_watched> leaving;
};

LocalRanks::LocalRanks(World& world, MPI_Comm host) : world_(world) {
    int size = 1;
    MPI_Comm_rank(host, &local_);
    MPI_Comm_size(host, &size);
    if (size == 1 || size > most_watched) return;
    const Identity mine = {world.rank, ::getpid(), process_name_space()};
    std::vector<Identity> all(static_cast<size_t>(size));
    MPI_Allgather(&mine, int(sizeof mine), MPI_BYTE, all.data(), int(sizeof mine), MPI_BYTE, host);
    share_page(host);
    if (!page_) return;
    for (int i = 0; i < size; ++i) {
        const Identity& other = all[size_t(i)];
        if (i == local_ || other.name_space != mine.name_space) continue;
        const int handle = int(::syscall(SYS_pidfd_open, pid_t(other.process), 0));
        if (handle >= 0) others_.push_back({i, int(other.rank), int(other.process), handle});
    }
    stop_ = ::eventfd(0, EFD_CLOEXEC);
}

void LocalRanks::start_watching() {
    if (!others_.empty() && stop_ >= 0) thread_ = std::thread([this] { watch(); });
}

// Either all ranks of the host map the page or none does.
void LocalRanks::share_page(MPI_Comm host) {
    char name[64] = {};
    int file = -1;
    if (local_ == 0) {
        timespec t;
        ::clock_gettime(CLOCK_REALTIME, &t);
        const std::string text = fmt::format("/gradus-{}-{}", ::getpid(), t.tv_nsec);
        std::copy(text.begin(), text.end(), name);
        file = ::shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file >= 0 && ::ftruncate(file, sizeof(Page)) != 0) {
            ::close(file);
            file = -1;
        }
    }
    MPI_Bcast(name, int(sizeof name), MPI_CHAR, 0, host);
    if (local_ > 0) file = ::shm_open(name, O_RDWR | O_CLOEXEC, 0);
    struct stat s {};
    void* memory = MAP_FAILED;
    if (file >= 0 && ::fstat(file, &s) == 0 && size_t(s.st_size) >= sizeof(Page))
        memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) ::close(file);
    int shared = memory != MAP_FAILED;
    MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_INT, MPI_MIN, host);
    if (local_ == 0) ::shm_unlink(name);
    if (shared) page_ = static_cast<Page*>(memory);  // zeros: no rank has left
    else if (memory != MAP_FAILED) ::munmap(memory, sizeof(Page));
}

LocalRanks::~LocalRanks() {
    leave();
    if (thread_.joinable()) {
        ::eventfd_write(stop_, 1);
        thread_.join();
    }
    for (const Neighbour& n : others_) ::close(n.handle);
    if (stop_ >= 0) ::close(stop_);
    if (page_) ::munmap(page_, sizeof(Page));
}

void LocalRanks::leave() {
    if (page_) page_->leaving[size_t(local_)] = 1;
}

void LocalRanks::watch() {
    std::vector<Neighbour> left = others_;
    while (!left.empty()) {
        std::vector<pollfd> events = {{stop_, POLLIN, 0}};
        for (const Neighbour& n : left) events.push_back({n.handle, POLLIN, 0});
        if (::poll(events.data(), events.size(), -1) < 0) continue;
        if (events[0].revents) return;
        if (seconds_since_stop_request() > launcher_grace)
            return;  // the launcher asked all ranks to stop and kills the remaining ones
        std::erase_if(left, [&](const Neighbour& n) {
            if (!has_ended(n.handle)) return false;
            if (page_->leaving[size_t(n.local)] == 0) report_if_first(n);
            return true;
        });
    }
}

void LocalRanks::report_if_first(const Neighbour& gone) {
    std::this_thread::sleep_for(report_delay);
    for (const Neighbour& n : others_)
        if (n.local < local_ && !has_ended(n.handle)) return;  // the lowest remaining rank reports
    world_.report_lost(gone.rank, gone.process);
}

}  // namespace gradus::mpi

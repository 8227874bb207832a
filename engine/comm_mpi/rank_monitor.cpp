#include "engine/comm_mpi/rank_monitor.h"

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

int RankMonitor::rank() const { return world_->rank; }
const MpiLimits& RankMonitor::limits() const { return world_->limits; }
int RankMonitor::id_of(const Comm& comm) const { return static_cast<const Group*>(comm.group)->id; }

void RankMonitor::set_device_progress(int group, const DeviceProgress& progress) const {
    world_->heartbeat->set_device_progress(group, progress);
}
double RankMonitor::silence_of(int rank) const { return world_->heartbeat->silence_of(rank); }
Beat RankMonitor::last_of(int rank) const { return world_->heartbeat->last_of(rank); }
int64_t RankMonitor::advances() const { return world_->heartbeat->advances(); }
std::string RankMonitor::name_of_rank(int rank) const { return world_->name_of_rank(rank); }
const std::string& RankMonitor::host_of(int rank) const { return world_->hosts[size_t(rank)]; }

std::string RankMonitor::last_call_of(int rank) const { return world_->last_call_of(rank); }

void RankMonitor::fail(const Error& e, int status, const std::function<void()>& last) const {
    world_->fail(e, status, last);
}

}  // namespace gradus::mpi

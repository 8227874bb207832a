#include "engine/comm_mpi/watch.h"

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

int Watch::rank() const { return world_->rank; }
const MpiLimits& Watch::limits() const { return world_->limits; }
int Watch::id_of(const Comm& comm) const { return static_cast<const Group*>(comm.group)->id; }

void Watch::tell(int group, const DeviceProgress& progress) const { world_->heartbeat->tell(group, progress); }
double Watch::silence_of(int rank) const { return world_->heartbeat->silence_of(rank); }
Beat Watch::last_of(int rank) const { return world_->heartbeat->last_of(rank); }
int64_t Watch::advances() const { return world_->heartbeat->advances(); }
std::string Watch::name_of_rank(int rank) const { return world_->name_of_rank(rank); }
const std::string& Watch::host_of(int rank) const { return world_->hosts[size_t(rank)]; }

std::string Watch::whereabouts(int rank) const { return world_->whereabouts(rank); }

void Watch::fail(const Error& e, int status, const std::function<void()>& last) const { world_->fail(e, status, last); }

}  // namespace gradus::mpi

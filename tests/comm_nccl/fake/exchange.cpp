#include "tests/comm_nccl/fake/exchange.h"

#include <cstring>

namespace gradus::fake {

void Exchange::begin() {
    const size_t n = others_.size();
    sent_.resize(n);
    received_.resize(n);
    sending_.assign(n, MPI_REQUEST_NULL);
    receiving_.assign(n, MPI_REQUEST_NULL);
    matched_.assign(n, false);
    there_.assign(n, false);
    for (size_t i = 0; i < n; ++i) {
        there_[i] = !answers(i);
        if (!sends(i)) continue;
        const std::vector<char> content = message ? message(i) : std::vector<char>();
        sent_[i].resize(sizeof head_ + content.size());
        std::memcpy(sent_[i].data(), &head_, sizeof head_);
        if (!content.empty()) std::memcpy(sent_[i].data() + sizeof head_, content.data(), content.size());
        MPI_Isend(sent_[i].data(), int(sent_[i].size()), MPI_BYTE, others_[i], tag_, MPI_COMM_WORLD, &sending_[i]);
    }
    begun_ = true;
}

Exchange::State Exchange::progress() {
    if (!begun_) begin();
    bool all = true;
    for (size_t i = 0; i < others_.size(); ++i) {
        if (!there_[i] && !matched_[i]) {
            MPI_Message found_message;
            MPI_Status status;
            int found = 0, bytes = 0;
            MPI_Improbe(others_[i], tag_, MPI_COMM_WORLD, &found, &found_message, &status);
            if (found) {
                MPI_Get_count(&status, MPI_BYTE, &bytes);
                received_[i].resize(size_t(bytes));
                MPI_Imrecv(received_[i].data(), bytes, MPI_BYTE, &found_message, &receiving_[i]);
                matched_[i] = true;
            }
        }
        if (!there_[i] && matched_[i]) {
            int done = 0;
            MPI_Test(&receiving_[i], &done, MPI_STATUS_IGNORE);
            if (done) {
                there_[i] = true;
                Head theirs;
                std::memcpy(&theirs, received_[i].data(), sizeof theirs);
                misfit_ = misfit_ || !(theirs == head_);
            }
        }
        int done = 0;
        MPI_Test(&sending_[i], &done, MPI_STATUS_IGNORE);
        all = all && there_[i] && done;
    }
    return !all ? State::under_way : misfit_ ? State::misfit : State::done;
}

}  // namespace gradus::fake

#include "tools/feedback/judge.h"

#include "tools/cli.h"
#include "tools/feedback/model_judge.h"
#include "tools/feedback/server_judge.h"

namespace gradus {

std::unique_ptr<Judge> make_judge(const FeedbackModel& m, const FeedbackWording& wording,
                                  const ComputeOptions& compute) {
    if (m.is_server()) return std::make_unique<ServerJudge>(m, wording);
    return std::make_unique<ModelJudge>(m, wording, compute);
}

std::unique_ptr<Writer> make_writer(const FeedbackModel& m, const ComputeOptions& compute) {
    if (m.is_server()) return std::make_unique<ServerWriter>(m);
    return std::make_unique<ModelWriter>(m, compute);
}

void add_server_options(CLI::App& app, FeedbackModel& m) {
    app.add_option("--judge-model", m.served, "of a server: the name of its model; without it, the only one it has");
    app.add_option("--requests", m.requests, "of a server: requests at the same time")
        ->transform(whole_between(1, 256))
        ->capture_default_str();
    app.add_option("--timeout", m.seconds, "of a server: longest time for a request, in seconds")
        ->check(number_between(0.1, 86400))
        ->capture_default_str();
}

}  // namespace gradus

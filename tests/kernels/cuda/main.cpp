// Without a GPU these tests are skipped with a message.
#include "kernels/ops.h"
#include "tests/session.h"

int main(int count, char** words) {
    return run_tests(count, words,
                     [] { return gradus::cuda_devices() == 0 ? "this machine has no GPU that CUDA sees" : nullptr; });
}

// usage: bugs NAME fixed|broken    Exit status 0: no Fault; 3: a Fault, whose message is printed.
#include <cstdio>
#include <cstring>

#include "kernels/simt/fault.h"
#include "tests/simt/bugs/bugs.h"

int main(int count, char** words) {
    using namespace gradus::simt;
    if (count != 3) return 2;
    for (const Bugs& bugs :
         {bugs_of_barriers(), bugs_of_collectives(), bugs_of_copies(), bugs_of_graphs(), bugs_of_memory(),
          bugs_of_order(), bugs_of_tensor_maps(), bugs_of_the_host(), bugs_of_warpgroups()}) {
        const auto found = bugs.find(words[1]);
        if (found == bugs.end()) continue;
        try {
            found->second(std::strcmp(words[2], "fixed") == 0);
        } catch (const Fault& fault) {
            std::printf("fault: %s\n", fault.what());
            return 3;
        }
        return 0;
    }
    return 2;
}

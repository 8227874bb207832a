// Which of a library's algorithms a matmul is computed by.
#include <catch2/catch.hpp>

#include <set>
#include <vector>

#include "kernels/cuda/host/matmul_choices.h"

using gradus::cuda::MatmulChoices;

namespace {

constexpr MatmulChoices::Shape small = {64, 32, 16}, large = {4096, 4096, 4096};

// A library of some algorithms.
struct Library {
    std::vector<double> seconds;
    std::set<int> refuses = {};
    std::vector<int> queued = {}, timed = {};

    int run(MatmulChoices& choices, const MatmulChoices::Shape& shape) {
        return choices.run(
            shape, int(seconds.size()),
            [this](int i) {
                if (refuses.contains(i)) return false;
                queued.push_back(i);
                return true;
            },
            [this](int i) -> std::optional<double> {
                timed.push_back(i);
                if (refuses.contains(i)) return std::nullopt;
                return seconds[size_t(i)];
            });
    }
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("a matmul takes the first algorithm, without timing any, however fast the others are") {
    MatmulChoices choices;
    Library library = {.seconds = {5, 1, 2}};
    REQUIRE(library.run(choices, small) == 0);
    REQUIRE(library.queued == Numbers{0});
    REQUIRE(library.timed.empty());
}

TEST_CASE("where an algorithm is refused a matmul takes the next one that runs, and from then on that one") {
    MatmulChoices choices;
    Library library = {.seconds = {1, 1, 1, 1}, .refuses = {0, 1}};
    REQUIRE(library.run(choices, small) == 2);
    library.refuses.clear();
    REQUIRE(library.run(choices, small) == 2);
    REQUIRE(library.queued == Numbers{2, 2});
    REQUIRE(library.run(choices, large) == 0);  // another shape is another choice
}

TEST_CASE("while measuring a matmul takes the fastest algorithm that runs, and of equals the first") {
    MatmulChoices choices;
    Library library = {.seconds = {5, 2, 1, 2, 0.5}, .refuses = {2, 4}};
    choices.measure(true);
    REQUIRE(library.run(choices, small) == 1);
    REQUIRE(library.timed == Numbers{0, 1, 2, 3, 4});
    REQUIRE(library.queued == Numbers{1});
}

TEST_CASE("a shape is measured once, also one that took the first algorithm before") {
    MatmulChoices choices;
    Library library = {.seconds = {5, 2, 1}};
    REQUIRE(library.run(choices, small) == 0);
    choices.measure(true);
    REQUIRE(library.run(choices, small) == 2);
    library.seconds = {1, 2, 5};
    REQUIRE(library.run(choices, small) == 2);
    choices.measure(false);
    REQUIRE(library.run(choices, small) == 2);
    REQUIRE(library.timed == Numbers{0, 1, 2});
}

TEST_CASE(
    "where every algorithm is refused, or none is offered, a matmul has none, and is asked for again the next time") {
    MatmulChoices choices;
    for (const bool measuring : {false, true}) {
        choices.measure(measuring);
        Library none, refused = {.seconds = {1, 2}, .refuses = {0, 1}};
        REQUIRE(none.run(choices, small) == -1);
        REQUIRE(refused.run(choices, small) == -1);
    }
    choices.measure(false);
    Library library = {.seconds = {1, 2}};
    REQUIRE(library.run(choices, small) == 0);
}

TEST_CASE("choices that were written down are those of whoever reads them, and nothing is measured again") {
    MatmulChoices first, second;
    Library library = {.seconds = {5, 2, 1}};
    first.measure(true);
    library.run(first, small);
    library.run(first, large);
    const std::string text = first.text("a GPU, a library");
    REQUIRE(second.use(text, "a GPU, a library"));
    REQUIRE(second.text("a GPU, a library") == text);

    second.measure(true);
    Library slower_now = {.seconds = {1, 2, 5}};
    REQUIRE(slower_now.run(second, small) == 2);
    REQUIRE(slower_now.run(second, large) == 2);
    REQUIRE(slower_now.timed.empty());
}

TEST_CASE("choices of another device or library, or damaged ones, are not used") {
    MatmulChoices written;
    Library library = {.seconds = {5, 2, 1}};
    written.measure(true);
    library.run(written, small);
    const std::string text = written.text("a GPU, a library");
    for (const std::string& other :
         {written.text("another GPU, a library"), std::string(), text.substr(0, text.rfind(' ')), text + "1 2 3\n",
          text + "words\n", text.substr(0, text.rfind(' ')) + " -1\n"}) {
        CAPTURE(other);
        MatmulChoices choices;
        REQUIRE_FALSE(choices.use(other, "a GPU, a library"));
        Library again = {.seconds = {5, 2, 1}};
        REQUIRE(again.run(choices, small) == 0);
    }
}

TEST_CASE("a choice that does not run here gives way to the first one that does") {
    MatmulChoices written, choices;
    Library library = {.seconds = {5, 2, 1}};
    written.measure(true);
    library.run(written, small);
    REQUIRE(choices.use(written.text("here"), "here"));
    Library refusing = {.seconds = {5, 2, 1}, .refuses = {2}}, fewer = {.seconds = {5}};
    REQUIRE(refusing.run(choices, small) == 0);
    REQUIRE(choices.use(written.text("here"), "here"));
    REQUIRE(fewer.run(choices, small) == 0);
}

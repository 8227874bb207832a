// The choice of a library's algorithm for a matmul.
#include <catch2/catch.hpp>

#include <set>
#include <vector>

#include "kernels/cuda/host/matmul_choices.h"

using gradus::cuda::MatmulChoices;

namespace {

constexpr MatmulChoices::Shape small = {64, 32, 16}, large = {4096, 4096, 4096};

// A fake library with several algorithms.
struct Library {
    std::vector<double> seconds;
    std::set<int> rejects = {};
    std::vector<int> queued = {}, timed = {};

    int run(MatmulChoices& choices, const MatmulChoices::Shape& shape) {
        return choices.run(
            shape, int(seconds.size()),
            [this](int i) {
                if (rejects.contains(i)) return false;
                queued.push_back(i);
                return true;
            },
            [this](int i) -> std::optional<double> {
                timed.push_back(i);
                if (rejects.contains(i)) return std::nullopt;
                return seconds[size_t(i)];
            });
    }
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("a matmul uses the first algorithm without timing any") {
    MatmulChoices choices;
    Library library = {.seconds = {5, 1, 2}};
    REQUIRE(library.run(choices, small) == 0);
    REQUIRE(library.queued == Numbers{0});
    REQUIRE(library.timed.empty());
}

TEST_CASE("a matmul whose first algorithm is refused uses the next one that runs, from then on") {
    MatmulChoices choices;
    Library library = {.seconds = {1, 1, 1, 1}, .rejects = {0, 1}};
    REQUIRE(library.run(choices, small) == 2);
    library.rejects.clear();
    REQUIRE(library.run(choices, small) == 2);
    REQUIRE(library.queued == Numbers{2, 2});
    REQUIRE(library.run(choices, large) == 0);  // each shape has its own choice
}

TEST_CASE("while measuring, a matmul uses the fastest algorithm that runs, and the first of equals") {
    MatmulChoices choices;
    Library library = {.seconds = {5, 2, 1, 2, 0.5}, .rejects = {2, 4}};
    choices.measure(true);
    REQUIRE(library.run(choices, small) == 1);
    REQUIRE(library.timed == Numbers{0, 1, 2, 3, 4});
    REQUIRE(library.queued == Numbers{1});
}

TEST_CASE("a shape is measured once, even if it used the first algorithm before") {
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
    "a matmul whose algorithms are all refused, or that has none, runs nothing and tries again in the next call") {
    MatmulChoices choices;
    for (const bool measuring : {false, true}) {
        choices.measure(measuring);
        Library none, refused = {.seconds = {1, 2}, .rejects = {0, 1}};
        REQUIRE(none.run(choices, small) == -1);
        REQUIRE(refused.run(choices, small) == -1);
    }
    choices.measure(false);
    Library library = {.seconds = {1, 2}};
    REQUIRE(library.run(choices, small) == 0);
}

TEST_CASE("saved choices are used after reading, and not measured again") {
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

TEST_CASE("choices of another device or library, and damaged ones, are not used") {
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

TEST_CASE("a saved choice that does not run is replaced by the first one that does") {
    MatmulChoices written, choices;
    Library library = {.seconds = {5, 2, 1}};
    written.measure(true);
    library.run(written, small);
    REQUIRE(choices.use(written.text("here"), "here"));
    Library refusing = {.seconds = {5, 2, 1}, .rejects = {2}}, fewer = {.seconds = {5}};
    REQUIRE(refusing.run(choices, small) == 0);
    REQUIRE(choices.use(written.text("here"), "here"));
    REQUIRE(fewer.run(choices, small) == 0);
}

#pragma once
// How far raters agree, beyond what chance would give them: 1 always, 0 as often as by chance, below 0 less than that.
//
//   Cohen          κ = (p_o − p_e)/(1 − p_e)     two raters of the same items; p_o: share of items on which they agree,
//                                                p_e = Σ_c share of c by the one · share of c by the other
//   Fleiss         the same for n raters an item, who need not be the same people; p_e = Σ_c (share of c by all)²
//   Krippendorff   α = 1 − D_o/D_e               any number of raters, values may be missing
//                  D_o: mean distance δ² of two values of one item, D_e: of two values whatever their items
//                  nominal    δ² = 1 where they differ
//                  ordinal    δ² = (Σ_{g=a…b} n_g − (n_a + n_b)/2)², n_g how often value g occurs: ranks, with ties
//                  interval   δ² = (a − b)²
//
// A value is a category: of two answers −1 (the first is better), 0 (a tie), 1. The ranks that a person gave become such
// judgements by judgements_of; Krippendorff's ordinal α takes the ranks themselves, an item for each answer. No number where
// nobody could have disagreed (there is one value, or no item with two). Sources: Cohen 1960; Fleiss 1971; Krippendorff 2011,
// "Computing Krippendorff's alpha-reliability".
#include <optional>
#include <span>
#include <vector>

namespace gradus {

// −1, 0 or 1 for each pair of answers (0,1), (0,2), … (1,2), … : the first is better, a tie, the second is better.
std::vector<int> judgements_of(std::span<const int> ranks);

// a, b [items]: what each rater said of the items that both have rated.
std::optional<double> cohen_kappa(std::span<const int> a, std::span<const int> b);

// items[i]: the values that item i was given, as many for each item, at least two.
std::optional<double> fleiss_kappa(std::span<const std::vector<int>> items);

enum class Distance { nominal, ordinal, interval };

// items[i]: the values that the raters gave item i; an item with fewer than two does not count.
std::optional<double> krippendorff_alpha(std::span<const std::vector<double>> items, Distance = Distance::ordinal);

}  // namespace gradus

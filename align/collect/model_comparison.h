#pragma once
// Which of two models the raters prefer, from rankings whose answers say who wrote them.
//
// Every pair of answers to a prompt by two different models is a comparison; ties are counted, and are in neither share. Pairs of
// one prompt are not independent, so Wilson's interval (align/statistics/accuracy.h) is a little too narrow where a model
// has several answers to a prompt.
#include <span>
#include <string>
#include <vector>

#include "align/examples/example.h"
#include "align/statistics/accuracy.h"

namespace gradus {

struct ModelComparison {
    std::string one, other;  // in the order in which the rankings name them
    Accuracy preferred;      // how often an answer of `other` is ranked above one of `one`
};

// Of every two models with answers to a common prompt.
std::vector<ModelComparison> compared_models(std::span<const Ranking> rankings);

// Lines for people; "" if there is nothing to compare.
std::string text_of(const std::vector<ModelComparison>& comparisons);

}  // namespace gradus

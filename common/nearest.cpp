#include "common/nearest.h"

#include <algorithm>
#include <numeric>

namespace oneloop {
namespace {

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t above = row[j + 1];
            const std::size_t change = corner + (a[i] == b[j] ? 0 : 1);
            row[j + 1] = std::min({change, above + 1, row[j] + 1});
            corner = above;
        }
    }
    return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& known) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto candidate : known) {
        const auto far = distance(word, candidate);
        if (far < least) {
            least = far;
            best = candidate;
        }
    }
    return std::string(best);
}

}  // namespace oneloop

// The corpus of tests/fuzz/request_fuzz.cpp, replayed and mutated.
#include "tests/support/corpus.h"

namespace oneloop {
namespace {

TEST(RequestCorpus, every_file_whole_truncated_and_damaged) {
    const auto corpus = test::read_corpus(ONELOOP_CORPUS);
    EXPECT_GE(corpus.size(), 12U);
    test::replay(corpus);
}

TEST(RequestCorpus, pieces_of_it_put_together_anew) {
    test::mutate(test::read_corpus(ONELOOP_CORPUS));
}

}  // namespace
}  // namespace oneloop

// Replays the corpus of a fuzz target: what the fuzzer has found once stays found, with every
// compiler and every sanitizer. And mutates it for a while, for whoever has no libFuzzer.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/read_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace oneloop::test {

inline void feed(const std::string& bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

inline std::vector<std::string> read_corpus(const char* directory) {
    std::vector<std::string> corpus;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        corpus.push_back(read_text(entry.path()));
    return corpus;
}

// Each file whole, truncated at every byte, and with every byte flipped in four ways. Of a long one
// about `most` places.
inline void replay(const std::vector<std::string>& corpus, std::size_t most = 500) {
    for (const std::string& bytes : corpus) {
        feed(bytes);
        const std::size_t step = bytes.size() / most + 1;
        for (std::size_t size = 0; size < bytes.size(); size += step) {
            feed(bytes.substr(0, size));
            std::string damaged = bytes;
            for (const unsigned flip : {0x01U, 0x20U, 0x80U, 0xFFU}) {
                damaged[size] = static_cast<char>(static_cast<unsigned char>(bytes[size]) ^ flip);
                feed(damaged);
            }
        }
    }
}

// Pieces of the corpus cut out, doubled, exchanged and damaged. ONELOOP_FUZZ_SEED repeats a run,
// ONELOOP_FUZZ_SECONDS makes it longer.
inline void mutate(const std::vector<std::string>& corpus) {
    const char* const given = std::getenv("ONELOOP_FUZZ_SEED");
    const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    const char* const longer = std::getenv("ONELOOP_FUZZ_SECONDS");
    const std::chrono::seconds time{longer ? std::strtol(longer, nullptr, 10) : 2};
    std::printf("ONELOOP_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);  // a crash must not take it along
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
    const auto end = Steady::now() + time;
    std::size_t count = 0;
    for (; Steady::now() < end; ++count) {
        std::string bytes = corpus[below(corpus.size())];
        for (std::size_t n = 1 + below(4); n > 0; --n) {
            const std::string& other = corpus[below(corpus.size())];
            const std::size_t from = below(bytes.size());
            const std::size_t length = below(64);
            switch (below(4)) {
                case 0:
                    bytes.erase(from, length);
                    break;
                case 1:
                    bytes.insert(from, bytes.substr(below(bytes.size()), length));
                    break;
                case 2:
                    bytes.replace(from, length, other.substr(below(other.size()), length));
                    break;
                default:
                    if (!bytes.empty()) bytes[from] = static_cast<char>(random());
            }
        }
        feed(bytes);
    }
    std::printf("%zu inputs\n", count);
    EXPECT_GT(count, 0U);
}

}  // namespace oneloop::test

// build_writes: which watched files the build writes itself, so that it is not started again for
// them without an end.
//
// Pure. It is told when a build starts and which path changed while it ran or not, and says which
// change is to be held back. Not for what the worker writes (own_writes).
//
// A change during a build is a person's save or the build's own product, and the kernel does not
// say which. So it counts at first. A path that has changed during each of the last `builds`
// builds, each of which was started by nothing but changes during the one before, is the build's:
// from then on its changes during builds are held, until one is done without them. A change of it
// while no build runs always counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace oneloop {

class BuildWrites {
  public:
    struct Options {
        std::size_t builds = 4;
        std::size_t most_paths = 1000;  // beyond, nothing is remembered and so nothing held
    };
    struct Held {
        std::string path;
        bool first = false;  // in this build
        friend bool operator==(const Held&, const Held&) = default;
    };

    BuildWrites() = default;
    explicit BuildWrites(const Options& options) : options_(options) {}

    void started() { ++build_; }
    // A build has come to its end by itself.
    void done();
    std::optional<Held> changed(const std::string& path, bool during_build);

  private:
    struct Path {
        std::uint64_t changed_in = 0;
        std::uint64_t held_in = 0;
        std::size_t in_a_row = 0;
        bool own = false;
    };
    Options options_;
    std::unordered_map<std::string, Path> paths_;
    std::uint64_t build_ = 0;
};

}  // namespace oneloop

#include "tests/support/interval_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "common/unique_fd.h"

namespace oneloop::test {

namespace {
constexpr std::size_t slots = 4096;

std::int64_t now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
}  // namespace

struct IntervalLog::Page {
    std::atomic<std::size_t> next;
    Slot slot[slots];
};

IntervalLog::IntervalLog(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::ftruncate(fd.get(), sizeof(Page)) != 0) throw std::runtime_error("open " + path);
    void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap " + path);
    page_ = static_cast<Page*>(memory);  // a new file reads as zeros, which is an empty log
}

IntervalLog::~IntervalLog() {
    ::munmap(page_, sizeof(Page));
}

IntervalLog::Slot* IntervalLog::enter(std::int64_t generation) {
    const std::size_t index = page_->next.fetch_add(1);
    if (index >= slots) return nullptr;
    Slot& slot = page_->slot[index];
    slot.pid = ::getpid();
    slot.generation = generation;
    slot.first = now();
    stamp(slot);
    return &slot;
}

void IntervalLog::stamp(Slot& slot) {
    slot.last.store(now(), std::memory_order_relaxed);
}

std::size_t IntervalLog::entries() const {
    return std::min(page_->next.load(), slots);
}

const IntervalLog::Slot& IntervalLog::entry(std::size_t index) const {
    return page_->slot[index];
}

std::vector<IntervalLog::Overlap> IntervalLog::overlaps() const {
    std::vector<Overlap> found;
    for (std::size_t a = 0; a < entries(); ++a) {
        for (std::size_t b = a + 1; b < entries(); ++b) {
            const Slot& x = page_->slot[a];
            const Slot& y = page_->slot[b];
            const auto begin = std::max(x.first.load(), y.first.load());
            const auto end = std::min(x.last.load(), y.last.load());
            if (begin <= end) found.push_back({x.pid, y.pid, end - begin});
        }
    }
    return found;
}

bool IntervalLog::generations_grow() const {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < entries(); ++i) {
        // Killed between taking the slot and writing into it: it has no time either.
        if (page_->slot[i].first == 0) continue;
        if (page_->slot[i].generation <= last) return false;
        last = page_->slot[i].generation;
    }
    return true;
}

}  // namespace oneloop::test

#include "supervisor/interval_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "common/unique_fd.h"

namespace oneloop {

namespace {
std::int64_t now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
}  // namespace

struct IntervalLog::Page {
    std::atomic<std::size_t> next;
    // The slots follow; how many the size of the file says.
    Slot* slot() { return reinterpret_cast<Slot*>(this + 1); }
};

IntervalLog::IntervalLog(const std::string& path, std::size_t slots) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) throw std::runtime_error("open " + path);
    size_ = static_cast<std::size_t>(info.st_size);
    if (size_ < sizeof(Page) + sizeof(Slot)) {
        // Two that do this at once agree on the size.
        size_ = sizeof(Page) + slots * sizeof(Slot);
        if (::ftruncate(fd.get(), static_cast<off_t>(size_)) != 0) {
            throw std::runtime_error("ftruncate " + path);
        }
    }
    slots_ = (size_ - sizeof(Page)) / sizeof(Slot);
    void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap " + path);
    page_ = static_cast<Page*>(memory);  // a new file reads as zeros, which is an empty log
}

IntervalLog::~IntervalLog() {
    ::munmap(page_, size_);
}

IntervalLog::Slot* IntervalLog::enter(std::int64_t generation, pid_t pid) {
    const std::size_t index = page_->next.fetch_add(1);
    if (index >= slots_) return nullptr;
    Slot& slot = page_->slot()[index];
    slot.pid = pid;
    slot.generation = generation;
    slot.first = now();
    stamp(slot);
    return &slot;
}

void IntervalLog::stamp(Slot& slot) {
    slot.last.store(now(), std::memory_order_relaxed);
}

bool IntervalLog::full() const {
    return page_->next.load() > slots_;
}

std::size_t IntervalLog::entries() const {
    return std::min(page_->next.load(), slots_);
}

const IntervalLog::Slot& IntervalLog::entry(std::size_t index) const {
    return page_->slot()[index];
}

std::vector<IntervalLog::Overlap> IntervalLog::overlaps() const {
    std::vector<const Slot*> ran;
    for (std::size_t i = 0; i < entries(); ++i) {
        // Killed between taking the slot and writing into it: it has no time, so it met nobody.
        if (page_->slot()[i].first != 0) ran.push_back(&page_->slot()[i]);
    }
    std::sort(ran.begin(), ran.end(),
              [](const Slot* a, const Slot* b) { return a->first.load() < b->first.load(); });
    std::vector<Overlap> found;
    for (auto a = ran.begin(); a != ran.end(); ++a) {
        const auto end_of_a = (*a)->last.load();
        for (auto b = a + 1; b != ran.end() && (*b)->first <= end_of_a; ++b) {
            const auto begin = (*b)->first.load();
            const auto end = std::min(end_of_a, (*b)->last.load());
            if (begin > end) continue;  // it wrote when it began and was killed
            found.push_back(
                {(*a)->pid, (*b)->pid, (*a)->generation, (*b)->generation, begin, end - begin});
        }
    }
    return found;
}

std::optional<std::size_t> IntervalLog::not_grown() const {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < entries(); ++i) {
        // Killed between taking the slot and writing into it: it has no time either.
        if (page_->slot()[i].first == 0) continue;
        if (page_->slot()[i].generation <= last) return i;
        last = page_->slot()[i].generation;
    }
    return std::nullopt;
}

}  // namespace oneloop

// inotify_decode: the bytes of a read(2) on an inotify descriptor as values.
//
// Pure. Not for what the events mean (file_watcher).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace oneloop {

struct InotifyEvent {
    int wd = -1;               // -1 for an overflow
    std::uint32_t mask = 0;    // IN_* of inotify(7)
    std::uint32_t cookie = 0;  // joins IN_MOVED_FROM and IN_MOVED_TO
    std::string name;          // inside the watched directory; empty for the directory itself
    friend bool operator==(const InotifyEvent&, const InotifyEvent&) = default;
};

struct InotifyBatch {
    std::vector<InotifyEvent> events;
    bool malformed = false;  // the buffer ended inside an event: treat it as lost events
};

// Source of the layout: inotify(7), struct inotify_event, name padded with NUL to `len` bytes.
InotifyBatch decode_inotify(std::span<const std::byte> bytes);

}  // namespace oneloop

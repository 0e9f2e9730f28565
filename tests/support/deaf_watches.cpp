// For LD_PRELOAD: inotify_add_watch(3) succeeds and nothing is ever told of some directories, as in
// sandboxes and on file systems that accept a watch and do not serve it.
//
//   ONELOOP_TEST_DEAF       directories whose real path holds this word
//   ONELOOP_TEST_DEAF_PLACE an empty directory: in their stead, a directory in it is watched
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <string>

extern "C" int inotify_add_watch(int fd, const char* path, uint32_t mask) noexcept {
    using Call = int (*)(int, const char*, uint32_t);
    static const auto call = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "inotify_add_watch"));
    const char* const deaf = ::getenv("ONELOOP_TEST_DEAF");
    const char* const place = ::getenv("ONELOOP_TEST_DEAF_PLACE");
    char real[PATH_MAX];
    if (!deaf || !place || !::realpath(path, real) || !std::strstr(real, deaf)) {
        return call(fd, path, mask);
    }
    std::string name = real;  // the same directory is the same watch
    std::replace(name.begin(), name.end(), '/', '_');
    name = std::string(place) + "/" + name;
    ::mkdir(name.c_str(), 0700);
    return call(fd, name.c_str(), mask);
}

#include "worker/curl.h"

#include <new>
#include <stdexcept>

namespace oneloop::worker {

void init_curl() {
    struct Global {
        Global() {
            if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                throw std::runtime_error("libcurl can't be initialised");
            }
        }
        ~Global() { curl_global_cleanup(); }
    };
    static const Global once;
}

CurlEasy make_easy() {
    CurlEasy handle(curl_easy_init());
    if (!handle) throw std::bad_alloc();
    return handle;
}

CurlMulti make_multi() {
    CurlMulti handle(curl_multi_init());
    if (!handle) throw std::bad_alloc();
    return handle;
}

void append(CurlList& list, const char* text) {
    curl_slist* longer = curl_slist_append(list.get(), text);
    if (!longer) throw std::bad_alloc();
    (void)list.release();  // the same list, its first node unchanged unless it was empty
    list.reset(longer);
}

}  // namespace oneloop::worker

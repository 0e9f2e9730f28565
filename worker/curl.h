// curl: owners for libcurl's handles. Only curl*, fetcher.cpp and mailer.cpp name libcurl.
//
// Not for deciding what to send. Each object belongs to one thread.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace oneloop::worker {

// curl_global_init(3) once, before any thread starts; undone at exit of the process.
void init_curl();

struct FreeEasy {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, FreeEasy>;
using CurlMulti = std::unique_ptr<CURLM, FreeMulti>;
using CurlList = std::unique_ptr<curl_slist, FreeList>;

// Throw std::bad_alloc.
CurlEasy make_easy();
CurlMulti make_multi();

// Appends; the list keeps its own copy of the text.
void append(CurlList& list, const char* text);

}  // namespace oneloop::worker

# The supervisor's tests: pure ones by value, the others with real processes.
add_library(oneloop_lifecycle_model STATIC support/lifecycle_model.cpp)
target_link_libraries(oneloop_lifecycle_model PUBLIC oneloop_supervisor_pure fmt::fmt)

oneloop_test(unit/lifecycle_test.cpp LIBRARIES oneloop_lifecycle_model)

# Two packages of one build (script/package): a .deb, and a tarball that runs wherever it is unpacked.
#
# The same build gives the same bytes: SOURCE_DATE_EPOCH is every file's time, and
# nothing in there depends on the file system, the umask or who builds (install_test).
set(CPACK_PACKAGE_NAME oneloop)
set(CPACK_PACKAGE_CONTACT "oneloop maintainers <oneloop@packages.debian.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "keeps exactly one worker alive and restarts it on change")
set(CPACK_PACKAGE_DESCRIPTION
"A program with a background loop must run once: two copies poll twice, mail
twice, and nobody sees which one did it. The supervisor starts it, restarts it
when its files change or when it crashes, keeps its listening socket meanwhile,
and sees to it that never two of them live, whatever is killed.

It comes with a worker of its own, which polls the showtimes of a cinema and
tells once when something opens, and with units for systemd.")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_SOURCE_DIR}/LICENSE")
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_THREADS 1)
set(CPACK_POST_BUILD_SCRIPTS "${CMAKE_CURRENT_SOURCE_DIR}/package_order.cmake")
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_CURRENT_SOURCE_DIR}/package_kind.cmake")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54~), systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_SOURCE_DIR}/debian/${script}")
endforeach()
include(CPack)

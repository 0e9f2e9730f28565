# Read by CPack once for each kind of package.
if(CPACK_GENERATOR STREQUAL "DEB")
  # Or the units would name the directory in which the package is put together.
  set(CPACK_SET_DESTDIR ON)
  set(CPACK_INSTALL_PREFIX /usr)
else()
  # Without the component "system": units name absolute paths, and nobody knows where this will lie.
  list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 build)
  set(CPACK_INSTALL_CMAKE_PROJECTS "${build}" oneloop Unspecified /)
endif()

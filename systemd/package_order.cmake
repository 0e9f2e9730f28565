# Run by CPack after each kind of package: packs it again, by name.
#
# CPack takes files in the order in which the file system lists them, which is another one on a disk
# than in a tmpfs, counts what directories take there, and gives them the umask of whoever builds.
set(epoch "$ENV{SOURCE_DATE_EPOCH}")
if(epoch STREQUAL "")
  return()  # each run has its own time, and so its own bytes
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

# Of a package's files, in KiB, as dpkg-gencontrol counts: a file rounded up, 1 for anything else.
function(installed_size root result)
  file(GLOB_RECURSE entries LIST_DIRECTORIES true RELATIVE "${root}" "${root}/*")
  set(sum 0)
  foreach(entry IN LISTS entries)
    if(entry MATCHES "^DEBIAN(/|$)")
      continue()
    endif()
    set(size 1)
    if(NOT IS_DIRECTORY "${root}/${entry}" AND NOT IS_SYMLINK "${root}/${entry}")
      file(SIZE "${root}/${entry}" bytes)
      math(EXPR size "(${bytes} + 1023) / 1024")
    endif()
    math(EXPR sum "${sum} + ${size}")
  endforeach()
  set(${result} ${sum} PARENT_SCOPE)
endfunction()

function(open_directories root)
  file(CHMOD_RECURSE "${root}" DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
       GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

set(place "${CPACK_TOPLEVEL_DIRECTORY}/by-name")
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  file(REMOVE_RECURSE "${place}")
  if(package MATCHES "\\.deb$")
    run(dpkg-deb --raw-extract "${package}" "${place}")
    file(STRINGS "${place}/DEBIAN/md5sums" sums)
    list(TRANSFORM sums REPLACE "^([^ ]+)  (.*)$" "\\2  \\1")  # by path
    list(SORT sums)
    list(TRANSFORM sums REPLACE "^(.*)  ([^ ]+)$" "\\2  \\1\n")
    list(JOIN sums "" sums)
    file(WRITE "${place}/DEBIAN/md5sums" "${sums}")
    open_directories("${place}")
    installed_size("${place}" size)
    file(READ "${place}/DEBIAN/control" control)
    string(REGEX REPLACE "Installed-Size: [0-9]+" "Installed-Size: ${size}" control "${control}")
    file(WRITE "${place}/DEBIAN/control" "${control}")
    # It sorts; one thread, so that the number of processors is not in there.
    run(dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "${place}" "${package}")
  else()
    file(MAKE_DIRECTORY "${place}")
    run(tar -C "${place}" -xpf "${package}")
    open_directories("${place}")
    file(GLOB top RELATIVE "${place}" "${place}/*")
    run(tar -C "${place}" --sort=name --format=gnu --mtime=@${epoch} --owner=0 --group=0 --numeric-owner
            -I "gzip -9n" -cf "${package}" ${top})
  endif()
endforeach()
file(REMOVE_RECURSE "${place}")

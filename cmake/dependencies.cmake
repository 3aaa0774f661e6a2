# What prevue is built on. Each is found through pkg-config or the package's own CMake files.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.10)
pkg_check_modules(ffmpeg REQUIRED IMPORTED_TARGET libavformat>=59.27 libavcodec>=59.37 libavfilter>=8.44 libswscale>=6.7
                  libavutil>=57.28)

find_path(DNNL_INCLUDE_DIR dnnl.h REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(prevue-dnnl INTERFACE)
target_include_directories(prevue-dnnl SYSTEM INTERFACE ${DNNL_INCLUDE_DIR})
target_link_libraries(prevue-dnnl INTERFACE ${DNNL_LIBRARY})

find_path(CHIPMUNK_INCLUDE_DIR chipmunk/chipmunk.h REQUIRED)
find_library(CHIPMUNK_LIBRARY chipmunk REQUIRED)
add_library(prevue-chipmunk INTERFACE)
target_include_directories(prevue-chipmunk SYSTEM INTERFACE ${CHIPMUNK_INCLUDE_DIR})
target_link_libraries(prevue-chipmunk INTERFACE ${CHIPMUNK_LIBRARY})

# Optional: small pictures in the terminal while something is predicted.
if(PREVUE_PICTURES)
    pkg_check_modules(chafa IMPORTED_TARGET chafa>=1.8)
endif()
if(PREVUE_PICTURES AND NOT chafa_FOUND)
    message(STATUS "libchafa (with the headers of GLib) is not there: no pictures are shown in terminals")
endif()

if(PREVUE_TESTS)
    pkg_check_modules(criterion REQUIRED IMPORTED_TARGET criterion)
endif()

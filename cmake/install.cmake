# What `cmake --install` puts where: command, libraries, headers, pkg-config files, CMake package, weights, manual.
include(CMakePackageConfigHelpers)

install(TARGETS prevue prevue-clip EXPORT prevue-targets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/prevue DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/prevue/models FILES_MATCHING PATTERN "*.safetensors")
install(DIRECTORY data/eval DESTINATION ${CMAKE_INSTALL_DATADIR}/prevue FILES_MATCHING PATTERN "*.safetensors")

foreach(library prevue prevue-clip)
    configure_file(cmake/${library}.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/prevue)
install(EXPORT prevue-targets NAMESPACE prevue:: DESTINATION ${package_dir})
configure_package_config_file(cmake/prevue-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/prevue-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/prevue-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/prevue-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/prevue-config-version.cmake
        DESTINATION ${package_dir})

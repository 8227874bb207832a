# cmake --install build/release --prefix ~/.local: the program, the recipes that it finds beside itself, completion for bash,
# documentation and licence.
include(GNUInstallDirs)
install(TARGETS gradus RUNTIME)
install(DIRECTORY tools/recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus/recipes FILES_MATCHING PATTERN *.toml PATTERN *.jsonl)
install(FILES tools/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME gradus)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Debian packages, by `cpack` in a build folder: `ayatori` for a node with its command line, and
# `ayatori-coord` for the server. Build the release preset first: only it carries its libraries with
# it.

include(GNUInstallDirs)

install(TARGETS ayatorid RUNTIME DESTINATION sbin COMPONENT node)
install(TARGETS ayatori RUNTIME DESTINATION bin COMPONENT node)
install(TARGETS ayatori-coord RUNTIME DESTINATION bin COMPONENT coord)

set(aya_units lib/systemd/system)
install(FILES packaging/systemd/ayatorid.service DESTINATION ${aya_units} COMPONENT node)
install(FILES packaging/systemd/ayatori-coord.service DESTINATION ${aya_units} COMPONENT coord)
install(
  FILES packaging/host/networkd.network
  DESTINATION lib/systemd/network RENAME 50-ayatori.network COMPONENT node)
install(
  FILES packaging/host/networkmanager.conf
  DESTINATION lib/NetworkManager/conf.d RENAME ayatori.conf COMPONENT node)
install(
  FILES packaging/host/ayatorid.default
  DESTINATION /etc/default RENAME ayatorid COMPONENT node)
install(FILES LICENSE DESTINATION share/doc/ayatori RENAME copyright COMPONENT node)
install(FILES LICENSE DESTINATION share/doc/ayatori-coord RENAME copyright COMPONENT coord)

# aya_maintainer_scripts(FOLDER ayatorid.service purge.sh): fills the scripts in; the last is what
# purging removes. Both programs may be on one machine, and share folders.
function(aya_maintainer_scripts FOLDER UNIT PURGE_FILE)
  file(READ ${PROJECT_SOURCE_DIR}/packaging/debian/${PURGE_FILE} PURGE)
  foreach(script postinst prerm postrm)
    configure_file(
      ${PROJECT_SOURCE_DIR}/packaging/debian/${script}.in ${FOLDER}/${script} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                       WORLD_EXECUTE)
  endforeach()
endfunction()
set(aya_scripts ${PROJECT_BINARY_DIR}/debian)
aya_maintainer_scripts(${aya_scripts}/node ayatorid.service ayatori.purge)
aya_maintainer_scripts(${aya_scripts}/coord ayatori-coord.service ayatori-coord.purge)
configure_file(packaging/debian/ayatori.conffiles ${aya_scripts}/node/conffiles COPYONLY)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR Ayatori)
set(CPACK_PACKAGE_CONTACT "Ayatori <ayatori@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL node coord)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_NODE_PACKAGE_NAME ayatori)
set(CPACK_COMPONENT_NODE_DESCRIPTION
    "node of an Ayatori mesh VPN\n A daemon that joins a mesh of machines over WireGuard, through any\n NAT, and the command line that steers it.")
set(CPACK_DEBIAN_NODE_PACKAGE_DEPENDS "ca-certificates, init-system-helpers")
set(CPACK_DEBIAN_NODE_PACKAGE_RECOMMENDS "nftables")
set(CPACK_DEBIAN_NODE_PACKAGE_CONTROL_EXTRA
    ${aya_scripts}/node/postinst ${aya_scripts}/node/prerm ${aya_scripts}/node/postrm
    ${aya_scripts}/node/conffiles)

set(CPACK_DEBIAN_COORD_PACKAGE_NAME ayatori-coord)
set(CPACK_COMPONENT_COORD_DESCRIPTION
    "server of an Ayatori mesh VPN\n Coordinator, relay and STUN server for a household or a small team; Ayatori\n and Tailscale clients join it.")
set(CPACK_DEBIAN_COORD_PACKAGE_DEPENDS "ca-certificates, init-system-helpers")
# Loaded when the first mail is sent, so that no tool finds it in the program.
set(CPACK_DEBIAN_COORD_PACKAGE_RECOMMENDS "libcurl4")
set(CPACK_DEBIAN_COORD_PACKAGE_CONTROL_EXTRA
    ${aya_scripts}/coord/postinst ${aya_scripts}/coord/prerm ${aya_scripts}/coord/postrm)

include(CPack)

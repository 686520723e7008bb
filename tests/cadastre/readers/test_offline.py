"""Files that name a server, or say where else to read: nothing is asked for."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pyogrio
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_records
from vigibati.configs.errors import RecordsError

LAMBERT = pyproj.CRS.from_epsg(2154)
GML = """<?xml version="1.0" encoding="UTF-8"?>
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:t="http://t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://t {server}/wfs?SERVICE=WFS&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=t:bati">
<wfs:member><t:bati gml:id="bati.1"><t:geom><gml:Polygon srsName="urn:ogc:def:crs:EPSG::2154" gml:id="p">
<gml:exterior><gml:LinearRing><gml:posList>880000 6280000 880010 6280000 880010 6280010 880000 6280010
 880000 6280000</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></t:geom><t:type>01</t:type>
</t:bati></wfs:member></wfs:FeatureCollection>"""
VRT = (
    "<OGRVRTDataSource><OGRVRTLayer name='BATIMENT_id'><SrcDataSource>/vsicurl/{server}/b.geojson"
    "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
)


class Server(HTTPServer):
    """A server that counts what it is asked, and has nothing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Nothing)
        self.asked: list[str] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Nothing(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name of the base class)
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # Curl would pass over every proxy for these.
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_no_schema_is_asked_for(tmp_path: Path, server: Server) -> None:
    path = tmp_path / "bati.gml"
    path.write_text(GML.format(server=server.address))
    assert read_records(path, crs=LAMBERT).records["kind"].tolist() == ["durable"]
    assert server.asked == []
    assert pyogrio.get_gdal_config_option("GML_DOWNLOAD_SCHEMA") is None, "the setting is given back"


def test_no_crs_is_asked_for(tmp_path: Path, server: Server) -> None:
    shape = shapely.geometry.mapping(shapely.box(2.35, 48.85, 2.3501, 48.8501))
    feature = {"type": "Feature", "properties": {}, "geometry": shape}
    crs = {"type": "link", "properties": {"href": f"{server.address}/crs", "type": "ogcwkt"}}
    path = tmp_path / "town.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))
    assert len(read_records(path, crs=LAMBERT).records) == 1
    assert server.asked == []


@pytest.mark.parametrize(
    "properties",
    [
        {"pointer": VRT},
        {"type": "gdal_streamed_alg", "command_line": "gdal vector convert -f stream {server}/a.geojson x"},
    ],
    ids=["VRT", "pipeline"],
)
def test_what_begins_as_geojson_but_points_elsewhere_is_refused(
    tmp_path: Path, server: Server, properties: dict[str, str]
) -> None:
    path = tmp_path / "town.geojson"
    path.write_text(json.dumps(properties, indent=1).replace("{server}", server.address))
    with pytest.raises(RecordsError, match=r"only says where else to read .*; convert it to GeoPackage"):
        read_records(path)
    assert server.asked == []


def test_a_bundle_whose_header_points_elsewhere_is_refused(tmp_path: Path, server: Server) -> None:
    path = tmp_path / "edigeo-130290000A01.tar.bz2"
    text = f"BOMT 12:E0000A01.THF\n{VRT.format(server=server.address)}"
    with tarfile.open(path, "w:bz2") as archive:
        for name, content in (("E0000A01.THF", text.encode()), ("ED.GEO", b"RELSA06:LAMB93\n")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(
        RecordsError, match=r"holds 'E0000A01\.THF', which only says where else to read; down"
    ):
        read_records(path)
    assert server.asked == []

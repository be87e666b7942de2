"""Reading and writing images."""

from __future__ import annotations

import io
import os
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, features

from anchorfit.image_formats import image_format
from anchorfit.observations import images, list_images
from anchorfit.observations.images import ImageFileError, image_size, is_image_path, read_image, write_image

GRADIENT = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3


def test_png_round_trip_on_an_awkward_path(tmp_path):
    path = tmp_path / "bild mit ümläut 人.png"
    write_image(path, GRADIENT)
    np.testing.assert_array_equal(read_image(path), GRADIENT)
    assert image_size(path) == (6, 4)
    assert list(tmp_path.iterdir()) == [path]  # no temporary file stays


# What the photograph looks like as displayed, and how a camera held so stores it (EXIF 2.3, tag 0x0112).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_exif_orientation(tmp_path, orientation, suffix):
    displayed = np.kron(np.array([[250, 10, 120], [60, 180, 220]], dtype=np.uint8), np.ones((16, 16), dtype=np.uint8))
    displayed = np.repeat(displayed[..., None], 3, axis=2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(np.ascontiguousarray(STORED[orientation](displayed))).save(path, exif=exif)
    assert image_size(path) == (48, 32)
    read = read_image(path)
    assert read.shape == (32, 48, 3)
    assert np.abs(read.astype(int) - displayed).mean() < 3  # JPEG is lossy


def test_broken_exif_costs_no_picture(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(GRADIENT).save(path, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert read_image(path).shape == (4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = 77
    Image.fromarray(GRADIENT).save(path, exif=exif)
    assert image_size(path) == (6, 4)


def test_grey_palette_bilevel_and_cmyk(tmp_path):
    grey = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    expected = np.repeat(grey[..., None], 3, axis=2)
    write_image(tmp_path / "grey.png", grey)
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), expected)
    Image.fromarray(expected).convert("P").save(tmp_path / "palette.gif")
    assert read_image(tmp_path / "palette.gif").shape == (2, 2, 3)
    Image.fromarray(grey).convert("1").save(tmp_path / "bilevel.png")
    assert set(np.unique(read_image(tmp_path / "bilevel.png"))) <= {0, 255}
    Image.fromarray(np.full((8, 8, 3), 90, dtype=np.uint8)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    assert abs(int(read_image(tmp_path / "cmyk.jpg").mean()) - 90) < 4


def test_transparency_is_composited_over_white(tmp_path):
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = [255, 0, 128]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[0, :, 0], [0, 255, 127], atol=1)


def test_sixteen_bits_keep_the_upper_eight(tmp_path):
    values = np.array([[0, 255, 256, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0, :, 0], [0, 0, 1, 255])
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0, :, 0], [0, 0, 1, 255])


def test_thirty_two_bits_that_hold_eight_are_read_as_eight(tmp_path):
    Image.fromarray(np.array([[0, 100, 255]], dtype=np.int32)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0, :, 0], [0, 100, 255])
    Image.fromarray(np.array([[0, 100, 70000]], dtype=np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(ImageFileError, match="32-bit pixels are not read"):
        read_image(tmp_path / "b.tif")


def test_sixteen_bit_colour(tmp_path):
    cv2 = pytest.importorskip("cv2")
    values = np.zeros((2, 2, 3), dtype=np.uint16)
    values[..., 2] = 40000  # red, in OpenCV's order
    assert cv2.imwrite(str(tmp_path / "a.png"), values)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0, 0], [40000 >> 8, 0, 0])


def test_one_pixel(tmp_path):
    write_image(tmp_path / "a.png", np.full((1, 1, 3), 7, dtype=np.uint8))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[[7, 7, 7]]])
    assert image_size(tmp_path / "a.png") == (1, 1)


def test_large_image(tmp_path):
    Image.new("L", (8000, 6000)).save(tmp_path / "a.png", compress_level=1)
    assert image_size(tmp_path / "a.png") == (8000, 6000)
    assert read_image(tmp_path / "a.png").shape == (6000, 8000, 3)


def test_size_needs_the_header_only(tmp_path):
    path = damaged(tmp_path, "a.jpg", encoded("JPEG")[:2000])
    assert image_size(path) == (64, 64)


def test_too_large_is_refused_without_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 10)
    write_image(tmp_path / "a.png", GRADIENT)
    with pytest.raises(ImageFileError, match=r"a.png: 6 x 4 pixels is too large"):
        read_image(tmp_path / "a.png")


def test_a_size_that_no_memory_holds(tmp_path):
    header = bytearray(encoded("PNG"))
    header[16:24] = (100_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    path = damaged(tmp_path, "a.png", bytes(header))
    for read in (read_image, image_size):
        with pytest.raises(ImageFileError, match=r"a.png: the image is too large .* scale it down first"):
            read(path)


def damaged(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def encoded(file_format):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, format=file_format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jpg", b"", "the image file is empty"),
        ("a.jpg", b"hello, world\n", "this is a text file"),
        ("a.jpg", b'{"images": []}', "this is a text file"),
        (
            "a.mp4",
            b"\x00\x00\x00\x18ftypisom" + bytes(64),
            "not an image; give it alone: anchorfit fit a.mp4",
        ),
        ("a.jpg", b"\x00\x00\x00\x18ftypisom" + bytes(64), "name it a.mp4 and give it alone: anchorfit fit a.mp4 "),
        ("a.mov", b"\x00\x00\x00\x14ftypmif1\0\0\0\0miaf" + bytes(64), r"HEIC .*pip install|damaged or cut short"),
        ("a.png", b"\x00\x00\x00\x18ftypheic" + bytes(64), r"HEIC .*pip install|damaged or cut short"),
        ("a.avif", b"\x00\x00\x00\x18ftypmif1\0\0\0\0miafavif" + bytes(64), "AVIF .*pip install|damaged or cut"),
        ("a.jxl", b"\xff\x0a" + bytes(64), "JPEG XL is not read; convert it"),
        ("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "this is a text file"),
        ("a.png", b"8BPS\0\1" + bytes(64), "not an image of a known format"),
        ("a.png", bytes(64), "not an image of a known format"),
        ("a.jpg", encoded("JPEG")[:2000], "damaged or cut short"),
        ("a.png", encoded("PNG")[:2000], "damaged or cut short"),
        ("a.jpg", encoded("JPEG")[:20], "cut short|known format"),
    ],
)
def test_what_is_no_image(tmp_path, name, content, message):
    path = damaged(tmp_path, name, content)
    with pytest.raises(ImageFileError, match=message) as caught:
        read_image(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a.jpg: no such image"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="this is a folder"):
        image_size(tmp_path)


def test_png_bomb_is_an_error(tmp_path):
    image = Image.new("L", (4, 4))
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 10_000_000, zip=True)
    image.save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(ImageFileError, match=r"a.png"):
        read_image(tmp_path / "a.png")


def test_writing_what_is_no_image(tmp_path):
    for wrong in (GRADIENT.astype(float), GRADIENT[..., :2], np.zeros((0, 4, 3), dtype=np.uint8)):
        with pytest.raises(ValueError, match="image: expected uint8"):
            write_image(tmp_path / "a.png", wrong)
    with pytest.raises(ValueError, match=r"a.xyz: .xyz names no image format"):
        write_image(tmp_path / "a.xyz", GRADIENT)


def test_writing_where_nothing_can_be_written(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write_image(tmp_path / "no" / "a.png", GRADIENT)
    path = tmp_path / "a.png"
    write_image(path, GRADIENT)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"a.png: cannot be written \(No space left on device\)"):
        write_image(path, GRADIENT[:2])
    np.testing.assert_array_equal(read_image(path), GRADIENT)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes anywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"a.png: cannot be written"):
            write_image(tmp_path / "a.png", GRADIENT)
    finally:
        tmp_path.chmod(0o700)


FORMATS = {
    "a.jfif": "JPEG",
    "b": "PNG",
    "c.jpg": "GIF",
    "d.txt": "BMP",
    "e.JP2": "JPEG2000",
    "f.tmp": "TIFF",
    "g.heic": "PPM",
}


def test_the_first_bytes_tell_the_format_and_not_the_name(tmp_path):
    names = dict(FORMATS) | ({"h.jpg": "WEBP"} if features.check("webp") else {})
    names |= {"i.png": "AVIF"} if "AVIF" in Image.registered_extensions().values() else {}
    for name, kind in names.items():
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / name, format=kind)
        assert image_format(tmp_path / name) == kind
        assert abs(int(read_image(tmp_path / name).mean()) - 90) < 4, kind
    for name, text in {"j.txt": "BMW and II*", "k.json": "{}", "l.csv": "P5 is a road"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "m.dat").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(64))  # told of, whether it is read or not
    assert [path.name for path in list_images([tmp_path])] == sorted([*names, "m.dat"])


def test_a_preview_in_a_raw_file_is_not_taken_for_its_picture(tmp_path):
    Image.fromarray(GRADIENT).save(tmp_path / "a.dng", format="TIFF", tiffinfo={254: 1})
    with pytest.raises(ImageFileError, match=r"a.dng: .* raw files; convert it to JPEG"):
        read_image(tmp_path / "a.dng")


def test_heic_is_read_where_the_package_for_it_is(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(np.full((64, 96, 3), 90, np.uint8))).save(tmp_path / "IMG_0001.HEIC")
    assert image_size(tmp_path / "IMG_0001.HEIC") == (96, 64)
    assert abs(int(read_image(tmp_path / "IMG_0001.HEIC").mean()) - 90) < 4


def test_image_names():
    from pathlib import Path

    assert is_image_path(Path("A.JPG"))
    assert not is_image_path(Path("a.json"))

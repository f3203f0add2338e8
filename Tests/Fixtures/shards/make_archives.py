#!/usr/bin/env python3
"""Writes pax.tar and gnu.tar with Python's tarfile: two samples of a picture and a class, one with a name of 120 letters.

    python3 make_archives.py        # Python 3.11, standard library alone

The pictures are "picture 0" and "picture 1" as text: the archives are read here, no picture is decoded. Both hold a folder, a link
and a text file that are no samples; pax.tar also has a name that is not ASCII.
"""
import io
import pathlib
import tarfile

LONG = "n" * 100 + "/" + "k" * 19
for name, form in (("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT)):
    with tarfile.open(pathlib.Path(__file__).parent / f"{name}.tar", "w", format=form) as archive:
        folder = tarfile.TarInfo("short")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("short/notes")
        link.type, link.linkname = tarfile.SYMTYPE, "elsewhere/" + "l" * 120
        archive.addfile(link)
        second = "short/é" if name == "pax" else "short/e"
        for index, key in enumerate((LONG, second)):
            for ending, data in (("jpg", f"picture {index}"), ("cls", f"{index + 3}\n"), ("txt", "a" * 600)):
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size, member.mtime = len(data), 1.5 if form == tarfile.PAX_FORMAT else 1
                archive.addfile(member, io.BytesIO(data.encode()))

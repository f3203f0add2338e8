import Foundation
import SafeFiles
import Testing

@Suite struct AtomicFileTests {
    @Test func writesAndReplaces() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.bin"
            try AtomicFile.write([1, 2, 3], to: path)
            #expect(try FileBytes.read(path, limit: 3) == [1, 2, 3])
            try AtomicFile.write("text", to: path, durability: .renamed)
            #expect(try SafeFiles.read(path, limit: 10) == Array("text".utf8))
            #expect(try Folder.entries(folder) == ["a.bin"])
            try AtomicFile.write([] as [UInt8], to: path)
            #expect(try FileBytes.size(of: path) == 0)
        }
    }

    /// Fails every call of a write in turn: the old bytes stay whole, no temporary file is left, and a full disk says so.
    @Test(arguments: [ENOSPC, EIO]) func everyCallMayFail(code: Int32) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.bin"
            let counter = FileFaults(failing: 0, code: code)
            try FileFaults.$current.withValue(counter) { try AtomicFile.write([7, 7], to: path) }
            #expect(counter.calls == [.open, .write, .sync, .close, .rename, .openFolder, .syncFolder])
            for target in 1...counter.calls.count {
                let before = try FileBytes.read(path, limit: 100)
                let replacement = [UInt8](repeating: UInt8(target), count: 10)
                let plan = FileFaults(failing: target, code: code)
                let error = #expect(throws: DataError.self) {
                    try FileFaults.$current.withValue(plan) { try AtomicFile.write(replacement, to: path) }
                }
                #expect(error?.kind == (code == ENOSPC ? .diskFull : .deviceFailed))
                #expect(error?.file.hasPrefix(folder) == true)
                let after = try FileBytes.read(path, limit: 100)
                #expect(after == before || after == replacement, "call \(target)")
                if target <= 5 { #expect(after == before, "call \(target)") }
                #expect(try Folder.entries(folder) == ["a.bin"], "call \(target)")
            }
        }
    }

    /// Each call does half of its bytes once: the file is whole all the same.
    @Test func shortWritesAreCompleted() throws {
        try withTemporaryFolder { folder in
            for target in 1...8 {
                let bytes = [UInt8]((0..<99).map { UInt8($0 + target) })
                try FileFaults.$current.withValue(FileFaults(failing: target, .short)) {
                    try AtomicFile.write(bytes, to: folder + "/a")
                }
                #expect(try FileBytes.read(folder + "/a", limit: 100) == bytes)
            }
        }
    }

    /// Each call of each way to read fails, or gives half of what was asked for.
    @Test func everyReadMayFail() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a"
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try AtomicFile.write(bytes, to: path)
            func pieces() throws(DataError) -> [UInt8] {
                var all: [UInt8] = []
                var sizes: [Int] = []
                try FileBytes.forEachPiece(of: path, pieceSize: 300) { piece in
                    all += Array(piece)
                    sizes.append(piece.count)
                }
                #expect(sizes == [300, 300, 300, 100])
                return all
            }
            func places() throws(DataError) -> [UInt8] {
                let file = try OpenFile(path)
                return try file.read(at: 0, count: 400) + file.read(at: 400, count: 600)
            }
            let ways: [() throws -> [UInt8]] = [{ try FileBytes.read(path, limit: 1000) }, pieces, places]
            for way in ways {
                let counter = FileFaults(failing: 0, .short, reads: true)
                #expect(try FileFaults.$current.withValue(counter, operation: way) == bytes)
                #expect(counter.calls.first == .openToRead && counter.calls.count > 1)
                for target in 1...counter.calls.count {
                    let short = FileFaults(failing: target, .short, reads: true)
                    #expect(try FileFaults.$current.withValue(short, operation: way) == bytes)
                    let failing = FileFaults(failing: target, .error(EIO), reads: true)
                    let error = #expect(throws: DataError.self) {
                        try FileFaults.$current.withValue(failing, operation: way)
                    }
                    #expect(error?.kind == .deviceFailed && error?.file == path)
                }
            }
        }
    }

    @Test func namesAFolderThatIsNotThere() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: DataError.self) { try AtomicFile.write("x", to: folder + "/no/such/file") }
            #expect(error?.kind == .cannotWrite)
        }
    }

    @Test func readingHasALimitAndRefusesFolders() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("12345", to: folder + "/a")
            #expect(throws: DataError.self) { try FileBytes.read(folder + "/a", limit: 4) }
            #expect(#expect(throws: DataError.self) { try FileBytes.read(folder, limit: 4) }?.kind == .malformed)
            #expect(#expect(throws: DataError.self) { try FileBytes.read(folder + "/b", limit: 4) }?.kind == .missing)
            mkfifo(folder + "/pipe", 0o600)
            #expect(
                #expect(throws: DataError.self) { try FileBytes.read(folder + "/pipe", limit: 4) }?.kind == .malformed)
        }
    }

    @Test func piecesAddUpToTheFile() throws {
        try withTemporaryFolder { folder in
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try AtomicFile.write(bytes, to: folder + "/a")
            var joined: [UInt8] = []
            var pieces = 0
            try FileBytes.forEachPiece(of: folder + "/a", pieceSize: 64) { piece in
                joined += Array(piece)
                pieces += 1
            }
            #expect(joined == bytes)
            #expect(pieces == 16)
        }
    }
}

@Suite struct FolderTests {
    @Test func createsParentsAndListsInByteOrder() throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/x/y/z")
            try Folder.create(folder + "/x/y/z")
            for name in ["b", "a", "Z", "10", "9"] { try AtomicFile.write(name, to: folder + "/x/" + name) }
            #expect(try Folder.entries(folder + "/x") == ["10", "9", "Z", "a", "b", "y"])
            #expect(throws: DataError.self) { try Folder.create(folder + "/x/a/below") }
            #expect(Folder.parent(of: "a/b/c") == "a/b")
            #expect(Folder.parent(of: "/c") == "/")
            #expect(Folder.name(of: "a/b/c.png") == "c.png")
        }
    }

    @Test func linksReplaceWhatWasThere() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("one", to: folder + "/a")
            try AtomicFile.write("two", to: folder + "/b")
            try Folder.link(folder + "/a", as: folder + "/b")
            #expect(try FileBytes.read(folder + "/b", limit: 10) == Array("one".utf8))
        }
    }
}

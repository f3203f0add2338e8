import Foundation
import SafeFiles
import Testing

@Suite struct RootedPathTests {
    static let hostile = [
        "", "/etc/passwd", "..", "../secret", "a/../../secret", "a/..", "images/../../secret", "..\\secret", "C:\\x",
        "a\\b.jpg", "a\0b", "\0", ".", "./.", "./../secret", "//etc/passwd", "a/b/../c", "images/", "images",
    ]

    @Test(arguments: hostile) func refusesHostileNames(name: String) throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/root/images")
            try AtomicFile.write("secret", to: folder + "/secret")
            let root = try RootedPath(root: folder + "/root", allowsLinks: true)
            let error = #expect(throws: DataError.self) { try root.resolve(name, in: "truth.json", record: "image 7") }
            #expect(error?.description.contains("truth.json") == true)
            #expect(error?.description.contains("image 7") == true)
        }
    }

    @Test func resolvesOrdinaryNames() throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/root/images/deep")
            try AtomicFile.write("x", to: folder + "/root/images/deep/a..b.jpg")
            let root = try RootedPath(root: folder + "/root/")
            let path = try root.resolve("./images//deep/a..b.jpg", in: "list")
            #expect(path == root.root + "/images/deep/a..b.jpg")
            let error = #expect(throws: DataError.self) { try root.resolve("images/none.jpg", in: "list") }
            #expect(error?.kind == .missing)
            #expect(#expect(throws: DataError.self) { try RootedPath(root: folder + "/none") }?.kind == .missing)
        }
    }

    @Test func linksOnlyWhereAllowed() throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/root")
            try AtomicFile.write("x", to: folder + "/outside.jpg")
            #expect(symlink(folder + "/outside.jpg", folder + "/root/link.jpg") == 0)
            #expect(symlink(folder, folder + "/root/up") == 0)
            let strict = try RootedPath(root: folder + "/root")
            #expect(throws: DataError.self) { try strict.resolve("link.jpg", in: "list") }
            #expect(throws: DataError.self) { try strict.resolve("up/outside.jpg", in: "list") }
            let farm = try RootedPath(root: folder + "/root", allowsLinks: true)
            #expect(try farm.resolve("link.jpg", in: "list").hasSuffix("/outside.jpg"))
        }
    }

    @Test func refusesPipesWithoutOpeningThem() throws {
        try withTemporaryFolder { folder in
            #expect(mkfifo(folder + "/canary.jpg", 0o600) == 0)
            let root = try RootedPath(root: folder)
            #expect(throws: DataError.self) { try root.resolve("canary.jpg", in: "list") }
        }
    }
}

import Foundation
import Testing

@testable import SafeFiles

@Suite struct ProcessFaultTests {
    @Test func textsThatNameAFault() {
        for text in [
            "kill-at-write:1", "kill-at-step:30", "term-at-write:2", "term-at-step:9", "fail-at-write:1:ENOSPC",
            "fail-at-write:2:EIO", "fail-at-write:3:short", "fail-from-write:4:ENOSPC", "fail-at-read:5:EIO",
        ] {
            #expect(ProcessFault(text) != nil, "\(text)")
        }
        for text in [
            "", "kill", "kill-at-write", "kill-at-write:0", "kill-at-write:x", "stop-at-step:1", "kill-at-read:1",
            "fail-at-write:1", "fail-at-write:1:ENOENT", "fail-at-step:1:EIO", "fail-from-read:1:EIO",
            "kill-at-step:1:EIO",
        ] {
            #expect(ProcessFault(text) == nil, "\(text)")
        }
        #expect(ProcessFault.current == nil && !ProcessFault.isMisspelled)
    }

    @Test func leftoversOfKilledWritesAreRemovedAndNothingElse() throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/inner/deep")
            let kept = ["a.bin", "b.tmp", "tmp.1.2", "a.tmp.1.x", "a.tmp.12"]
            for name in kept + ["a.bin.tmp.12.3"] {
                for place in [folder, folder + "/inner", folder + "/inner/deep"] {
                    try AtomicFile.write("x", to: "\(place)/\(name)", durability: .renamed)
                }
            }
            try AtomicFile.removeLeftovers(in: folder)
            #expect(try Folder.entries(folder) == (kept + ["inner"]).sorted())
            #expect(try Folder.entries(folder + "/inner") == (kept + ["deep"]).sorted())
            #expect(try Folder.entries(folder + "/inner/deep").contains("a.bin.tmp.12.3"))
        }
    }
}

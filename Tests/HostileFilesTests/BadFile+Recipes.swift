extension BadFile {
    /// Texts that no YAML file of ours may be, whatever it is for.
    private static func yaml(_ name: String, _ file: String, _ reader: Reader) -> [BadFile] {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            bomb +=
                "a\(level): &a\(level) [" + [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        return texts(
            [
                "alias-bomb": bomb, "alias": "a: &x 1\nb: *x\n", "merge": "a: &x {b: 1}\nc:\n  <<: *x\n",
                "open-list": "a: [1, 2\n", "open-text": "a: \"b\n", "tab": "a:\n\tb: 1\n", "key-twice": "a: 1\na: 2\n",
                "tag": "a: !!python/object:os.system x\n", "own-tag": "a: !x y\n", "list-as-key": "? [1]\n: 2\n",
                "two-documents": "a: 1\n---\nb: 2\n", "list": "- 1\n- 2\n", "text": "hello\n", "nul": "a: \u{0}\n",
                "brackets": "a: " + String(repeating: "[", count: 100_000),
                "dashes": String(repeating: "- ", count: 100_000),
                "indent": (0..<400).map { String(repeating: " ", count: $0) + "k:\n" }.joined(),
                "large": String(repeating: "#", count: (1 << 20) + 1), "colon": "a: b: c\n",
                "percent": "%YAML 9.9\n---\na: 1\n",
                "escape": "a: \"\\q\"\n", "extends-itself": "extends: \(file)\n", "extends-map": "extends: {a: 1}\n",
            ], name, file, reader, code: 78)
            + [
                BadFile(
                    name: "\(name)-not-utf8", file: file, reader: reader, bytes: [0x61, 0x3A, 0x20, 0xFF, 0x0A],
                    code: 78)
            ]
    }

    static func recipes() -> [BadFile] {
        yaml("recipe", "recipe.yaml", .recipe)
            + texts(
                ["extends-absent": "extends: ./absent.yaml\n", "extends-empty": "extends: \"\"\n"], "recipe",
                "recipe.yaml", .recipe, code: 66)
    }

    /// Rules of gates.
    static func gates() -> [BadFile] {
        func rules(_ rest: String) -> String { "kind: gate\nrecord: base.run.json\n" + rest }
        return texts(
            [
                "no-kind": "record: a.json\nmetrics: {mIoU: {max_drop: 0.01}}\n",
                "other-kind": "kind: lab\nrecord: a.json\n",
                "no-record": "kind: gate\nmetrics: {mIoU: {max_drop: 0.01}}\n", "no-rule": rules(""),
                "idle-rule": rules("metrics: {mIoU: {}}\n"), "rule-number": rules("metrics: {mIoU: 3}\n"),
                "drop-text": rules("metrics: {mIoU: {max_drop: much}}\n"),
                "drop-negative": rules("metrics: {mIoU: {max_drop: -1}}\n"),
                "drop-nan": rules("metrics: {mIoU: {max_drop: nan}}\n"),
                "unknown-limit": rules("metrics: {mIoU: {maxdrop: 1}}\n"),
                "both": rules("metrics: {mIoU: {max_drop: 1, informational: true}}\n"),
                "unknown-key": rules("metric: {mIoU: {max_drop: 1}}\n"),
                "absolute-record": "kind: gate\nrecord: /etc/passwd\nmetrics: {mIoU: {max_drop: 1}}\n",
                "parent-record": "kind: gate\nrecord: ../../base.json\nmetrics: {mIoU: {max_drop: 1}}\n",
                "parent-evidence": rules("evidence: ../e.safetensors\nmetrics: {mIoU: {max_drop: 1}}\n"),
            ], "gate", "gate.yaml", .gate, code: 78)
            + yaml("gate", "gate.yaml", .gate).filter {
                ["alias-bomb", "list", "not-utf8"].contains(String($0.name.dropFirst(5)))
            }
    }

    /// Tables of published numbers.
    static func tables() -> [BadFile] {
        texts(
            [
                "no-name": "title: T\ncolumns: {a: {title: A}}\ngroups: [{title: G, rows: [{method: m}]}]\n",
                "no-columns": "name: n\ntitle: T\ngroups: []\n",
                "no-groups": "name: n\ntitle: T\ncolumns: {a: {title: A}}\n",
                "columns-list": "name: n\ntitle: T\ncolumns: [a]\ngroups: []\n",
                "groups-map": "name: n\ntitle: T\ncolumns: {a: {title: A}}\ngroups: {a: 1}\n",
                "unknown-key":
                    "name: n\ntitle: T\nfoo: 1\ncolumns: {a: {title: A}}\ngroups: [{title: G, rows: [{method: m}]}]\n",
                "images-text": "name: n\ntitle: T\nimages: many\ncolumns: {a: {title: A}}\ngroups: []\n",
            ], "table", "table.yaml", .table, code: 78)
            + yaml("table", "table.yaml", .table).filter {
                ["alias-bomb", "list", "not-utf8"].contains(String($0.name.dropFirst(6)))
            }
    }

    /// Descriptors of data sets.
    static func datasets() -> [BadFile] {
        texts(
            [
                "no-section": "{}\n", "section-text": "detection: coco\n", "no-kind": "detection: {root: .}\n",
                "unknown-kind": "detection: {kind: voc, root: ., splits: {val: {images: a}}}\n",
                "no-root": "unlabelled: {kind: pictures, splits: {val: {images: a}}}\n",
                "no-splits": "unlabelled: {kind: pictures, root: .}\n",
                "split-text": "unlabelled: {kind: pictures, root: ., splits: {val: a}}\n",
                "unknown-key": "unlabelled: {kind: pictures, root: ., split: {}, splits: {val: {images: a}}}\n",
                "ignore-label":
                    "segmentation: {kind: ade20k, root: ., ignore_label: 70000, splits: {val: {images: a, labels: b}}}\n",
                "links-text":
                    "unlabelled: {kind: pictures, root: ., allow_links: perhaps, splits: {val: {images: a}}}\n",
                "no-shards": "unlabelled: {kind: tar-shards, root: ., splits: {val: {images: a}}}\n",
            ], "dataset", "dataset.yaml", .dataset, code: 78)
            + yaml("dataset", "dataset.yaml", .dataset).filter {
                ["alias-bomb", "list", "not-utf8"].contains(String($0.name.dropFirst(8)))
            }
    }

    /// Lists of pictures.
    static func imageLists() -> [BadFile] {
        texts(
            [
                "unknown": "absent.jpg\n", "absolute": "/etc/passwd\n", "parent": "../a.jpg\n", "nothing": "",
                "comments": "# a\n# b\n", "nul": "a\u{0}.jpg\n",
            ], "list", "list.txt", .imageList)
            + [BadFile(name: "list-not-utf8", file: "list.txt", reader: .imageList, bytes: [0x61, 0xFF, 0x0A])]
    }
}

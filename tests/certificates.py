"""An authority and certificates of it, made for a test."""

import subprocess
from pathlib import Path


def openssl(folder, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path, address: str = "127.0.0.1") -> None:
    """ca.pem, good.pem (for `address`), named.pem (for another), early.pem (valid from 2045), late.pem, gw.pem."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 looks for it
    itself = ("-subj", "/CN=ca", "-days", "9000")
    openssl(folder, "req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", *itself, *usage)
    (folder / "ca.conf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
        "copy_extensions=copy\nunique_subject=no\nx509_extensions=e\n[p]\ncommonName=supplied\n"
        "[e]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    for name, alternative, start, end in (
        ("good", f"IP:{address}", "20200101000000Z", "20490101000000Z"),
        ("named", "DNS:elsewhere.invalid", "20200101000000Z", "20490101000000Z"),
        ("early", f"IP:{address}", "20450101000000Z", "20490101000000Z"),
        ("late", f"IP:{address}", "20200101000000Z", "20210101000000Z"),
        ("gw", "DNS:gw1", "20200101000000Z", "20490101000000Z"),
    ):
        request = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}", "-out", f"{name}.csr")
        openssl(folder, "req", *ec, "-keyout", f"{name}.key", *request)
        sign = ("-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr")
        dates = ("-startdate", start, "-enddate", end, "-out", f"{name}.pem", "-batch", "-notext")
        openssl(folder, "ca", *sign, *dates)

"""Which addresses are those of the public internet."""

from __future__ import annotations

import pytest

from facevlm.serving.addresses import is_public

INSIDE = """
127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 192.168.0.1 169.254.169.254 100.64.0.1 192.0.0.1 192.0.2.1 198.18.0.1
224.0.0.1 240.0.0.1 255.255.255.255
::1 :: fe80::1 fe80::1%1 fc00::1 fd00:ec2::254 fec0::1 ff02::1 2001:db8::1 2001::1 ::7f00:1 100::1
::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a00:1 64:ff9b::7f00:1 64:ff9b::169.254.169.254 64:ff9b:1::1
2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1::1
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_of_some_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is(address: str) -> None:
    assert is_public(address)
